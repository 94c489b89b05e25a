//! Answers that no network has brought.
//!
//! Owns: which answer a call to Intercom gets on this thread, if a test says so. Refuses: reading it: it goes the way of
//! every answer, from its status on.

use reqwest::Response;

#[cfg(not(feature = "sabotage"))]
mod place {
    use super::Response;

    /// The answer that a test has made up: none.
    #[inline]
    pub(crate) const fn made_up() -> Option<Response> {
        None
    }
}

#[cfg(feature = "sabotage")]
mod place {
    use std::cell::RefCell;
    use std::marker::PhantomData;

    use super::Response;

    type Answers = Box<dyn FnMut() -> Response>;

    thread_local! {
        static ANSWERS: RefCell<Option<Answers>> = const { RefCell::new(None) };
    }

    /// While it lives, no call that is made on this thread leaves the machine.
    #[derive(Debug)]
    #[must_use = "with it goes what it stands for"]
    pub struct InPlace(PhantomData<*const ()>);

    impl Drop for InPlace {
        fn drop(&mut self) {
            ANSWERS.with_borrow_mut(Option::take);
        }
    }

    /// Every call to Intercom on this thread is answered by `answers`.
    pub fn answering(answers: impl FnMut() -> Response + 'static) -> InPlace {
        ANSWERS.with_borrow_mut(|place| *place = Some(Box::new(answers)));
        InPlace(PhantomData)
    }

    /// The answer that a test has made up.
    pub(crate) fn made_up() -> Option<Response> {
        ANSWERS.with_borrow_mut(|answers| answers.as_mut().map(|answers| answers()))
    }
}

pub(crate) use place::made_up;
#[cfg(feature = "sabotage")]
pub use place::{InPlace, answering};
