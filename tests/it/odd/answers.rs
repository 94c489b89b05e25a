//! A look that is answered with something else than the conversation (E10): nothing is done on it.

use autoclosed::fake_intercom::{Endpoint, Fault};

use super::outcomes;
use crate::harness::{House, QUIET_A_DAY, days, minutes};

fn ok(body: &str) -> Fault {
    Fault::Status { status: 200, body: body.into() }
}

#[tokio::test]
async fn what_makes_no_sense_is_no_ground_for_a_deed() {
    for (name, fault) in [
        ("a page", Fault::Garbage200),
        ("cut short", Fault::Truncated),
        ("another conversation", Fault::WrongId),
        ("too large", Fault::HugeBody),
        ("nothing, 204", Fault::ApplyThenStatus(204)),
        ("nothing", ok("")),
        ("null", ok("null")),
        ("a list", ok("[]")),
        ("no id", ok(r#"{"type":"conversation","state":"open"}"#)),
        ("parts that are none", ok(r#"{"type":"conversation","id":"1","state":"open","conversation_parts":7}"#)),
        ("an error that says 200", ok(r#"{"type":"error.list","errors":[{"code":"server_error"}]}"#)),
        ("a gateway's page", Fault::Html502),
        ("no answer", Fault::Drop),
    ] {
        let house = House::with(QUIET_A_DAY).await;
        let id = house.answered().await;
        house.intercom.fault_always(Endpoint::Conversation, fault);
        house.after(days(1)).await;
        house.after(minutes(2)).await;
        assert_eq!(house.deeds(), Vec::<String>::new(), "{name}");
        assert_eq!(outcomes(&house).await, [("deferred".to_owned(), 1)], "{name}");
        house.intercom.clear_faults();
        house.after(minutes(2)).await;
        assert_eq!((house.state(&id), house.deeds().len()), ("closed", 1), "{name}");
    }
}
