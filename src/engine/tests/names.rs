//! Names and numbers as they are written down and read again.

use super::*;
use crate::engine::conversation::BadConversationId;
use crate::engine::rule::{Speaker, StateName, StepId, StepKind};

#[test]
fn whatever_has_a_name_is_found_by_it_and_nothing_by_another() {
    for (class, name) in Class::NAMES {
        assert_eq!((class.name(), Class::from_name(name)), (name, Some(class)));
    }
    for (actor, name) in Actor::NAMES {
        assert_eq!((actor.name(), Actor::from_name(name)), (name, Some(actor)));
    }
    for (kind, name) in StepKind::NAMES {
        assert_eq!((kind.name(), name.parse()), (name, Ok(StepId { kind, nth: 1 })));
    }
    assert!(StateName::NAMES.iter().all(|(state, name)| state.name() == *name));
    assert!(Speaker::NAMES.iter().all(|(speaker, name)| speaker.name() == *name));
    assert_eq!((Class::from_name("nobody"), Actor::from_name("reply")), (None, None));
}

#[test]
fn a_part_and_a_step_are_read_as_they_are_written() {
    for (part, text) in [(PartId::Part(7), "7"), (PartId::Source(7), "source:7")] {
        assert_eq!((part.to_string().as_str(), text.parse()), (text, Ok(part)));
    }
    for (step, text) in [((StepKind::Close, 1), "close"), ((StepKind::Reply, 2), "reply 2")] {
        let step = StepId { kind: step.0, nth: step.1 };
        assert_eq!((step.to_string().as_str(), text.parse()), (text, Ok(step)));
    }
    assert!("reply x".parse::<StepId>().is_err());
    assert!("wait 1".parse::<StepId>().is_err());
}

#[test]
fn a_conversation_s_id_has_1_to_20_digits_and_nothing_else() {
    for text in ["0", "42", "12345678901234567890"] {
        let id = ConversationId::try_from(text).unwrap();
        assert_eq!((id.as_str(), id.to_string().as_str()), (text, text));
    }
    for text in ["", "4a", "-1", "../42", "４２", "123456789012345678901"] {
        assert_eq!(ConversationId::try_from(text), Err(BadConversationId), "{text}");
    }
}
