//! Whose the token is, where it works, in which version, and whether the clocks agree.
//!
//! Owns: comparing what Intercom says of us with what is configured and remembered. Refuses: changing what is
//! remembered.

use super::{Desk, ENVIRONMENT, Finding, past};
use crate::config::{Diagnostic, Mentioned};
use crate::daemon;
use crate::engine::why::span;
use crate::identity;
use crate::intercom::client::{Admin, Me};
use crate::safety::LARGEST_SKEW;

const A_MINUTE: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// What `GET /me` and its head tell.
pub(super) async fn findings(desk: &Desk<'_>, me: &Me) -> Vec<Finding> {
    let whose = named(&me.admin_id, me.name.as_deref());
    let remembered = past::workspace(desk).await;
    vec![
        Finding::ok("token", format!("works; it belongs to {whose}")),
        region(desk, me),
        workspace(desk, me, remembered.as_deref()),
        version(desk),
        clock(desk),
    ]
}

fn named(id: &str, name: Option<&str>) -> String {
    name.map_or_else(|| format!("teammate {id}"), |name| format!("{name} (teammate {id})"))
}

/// A text that ends with what to do, in its two halves.
fn halves(text: &str) -> (&str, &str) {
    text.split_once("; ").unwrap_or((text, "see docs/intercom.md"))
}

fn region(desk: &Desk<'_>, me: &Me) -> Finding {
    let check = "region";
    let ours = daemon::expected(desk.config()).region;
    if let (Some(theirs), Some(_)) = (&me.region, identity::other_region(me, ours)) {
        let address = &desk.config().intercom.base_url;
        let message = format!("the workspace is in region {theirs}, which {address} is not of");
        let by_address = desk.names(|what| matches!(what, Mentioned::Intercom(key) if key == "base_url"));
        let (key, instead) = if by_address { ("base_url", ", in place of base_url") } else { (check, "") };
        let help = format!("write region = \"{}\" under [intercom]{instead}", theirs.to_lowercase());
        return Finding::wrong(check, desk.about(key, message, help));
    }
    match (&me.region, ours) {
        (None, _) => {
            let message = "Intercom does not say in which region the workspace is";
            let help = "compare [intercom] region with the address of your inbox: app.eu.intercom.com is `eu`";
            Finding::doubt(check, Diagnostic::about(ENVIRONMENT, message, help))
        }
        (Some(theirs), Some(_)) => Finding::ok(check, format!("{theirs}, as configured")),
        (Some(theirs), None) => {
            Finding::ok(check, format!("{theirs}; base_url is none of Intercom's own addresses, so it is not compared"))
        }
    }
}

fn workspace(desk: &Desk<'_>, me: &Me, remembered: Option<&str>) -> Finding {
    let check = "workspace";
    let configured = desk.config().intercom.app_id.as_deref();
    for (ours, key) in [(configured, "app_id"), (remembered, "url")] {
        if let Some(other) = identity::other_workspace(me, ours) {
            let (message, help) = halves(&other);
            let message = if key == "url" { format!("{message}, which the database is of") } else { message.into() };
            return Finding::wrong(check, desk.about(key, message, help));
        }
    }
    match (&me.app_id, configured, remembered) {
        (None, ..) => {
            let message = "Intercom does not say whose workspace the token is of";
            Finding::doubt(check, Diagnostic::about(ENVIRONMENT, message, "set [intercom] app_id, if it is not set"))
        }
        (Some(id), Some(_), _) => Finding::ok(check, format!("{id}, as configured")),
        (Some(id), None, Some(_)) => Finding::ok(check, format!("{id}, the one that the database is of")),
        (Some(id), None, None) => Finding::ok(check, id.clone()),
    }
}

/// Whether the teammate that acts is there and may.
pub(super) fn admin(desk: &Desk<'_>, me: &Me, admins: Option<&[Admin]>) -> Finding {
    let check = "admin";
    let acting = desk.config().intercom.admin_id.as_deref().unwrap_or(&me.admin_id);
    let Some(admins) = admins else {
        let message = format!("whether teammate {acting}, who is to act, is there and has a seat cannot be seen");
        let help = "see below why the teammates cannot be read";
        return Finding::doubt(check, Diagnostic::about(ENVIRONMENT, message, help));
    };
    if let Some(unfit) = identity::unfit(acting, admins) {
        let (message, help) = halves(&unfit);
        return Finding::wrong(check, desk.about("admin_id", message, help));
    }
    let found = admins.iter().find(|admin| admin.id == acting);
    let name = named(acting, found.and_then(|admin| admin.name.as_deref()));
    match found {
        Some(Admin { away: Some(true), .. }) => {
            let message = format!("{name}, who is to act, is away");
            let help = "turn their away mode off in Intercom: it may give what they answer to somebody else";
            Finding::doubt(check, desk.about("admin_id", message, help))
        }
        Some(Admin { has_inbox_seat: Some(true), .. }) => {
            Finding::ok(check, format!("{name} acts, with an inbox seat"))
        }
        _ => Finding::ok(check, format!("{name} acts")),
    }
}

fn version(desk: &Desk<'_>) -> Finding {
    let asked = &desk.config().intercom.api_version;
    match desk.intercom.answered_version() {
        Some(answered) if answered != *asked => {
            let message = format!("Intercom answers in version {answered} of its API, not in {asked}");
            let help = format!("write api_version = \"{answered}\"");
            Finding::doubt("api_version", desk.about("api_version", message, help))
        }
        _ => Finding::ok("api_version", format!("{asked}, which Intercom accepts")),
    }
}

fn clock(desk: &Desk<'_>) -> Finding {
    let check = "clock";
    let Some(theirs) = desk.intercom.intercom_now() else {
        let help = "ask again; behind a proxy, let it pass on the header Date: nothing is done without";
        return Finding::wrong(check, Diagnostic::about(ENVIRONMENT, "Intercom's answer bears no time", help));
    };
    let ahead = desk.clock.now().duration_since(theirs);
    if ahead.abs() > LARGEST_SKEW {
        let which = if ahead.is_positive() { "ahead of" } else { "behind" };
        let message = format!("this machine's clock is {} {which} Intercom's", span(ahead.abs()));
        let help = "set it right, best by NTP: nothing is done while they are more than 5 minutes apart";
        return Finding::wrong(check, Diagnostic::about(ENVIRONMENT, message, help));
    }
    let apart = if ahead.abs() < A_MINUTE { "less than a minute".to_owned() } else { span(ahead.abs()) };
    Finding::ok(check, format!("{apart} from Intercom's"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::command::check::online;
    use crate::config;

    fn told(text: &str, theirs: Option<&str>) -> String {
        let loaded = config::parse("a.toml", text.as_bytes()).unwrap();
        let intercom = online::client(&loaded.config, "sample".into(), Clock::System).unwrap();
        let desk = Desk { loaded: &loaded, file: "a.toml", intercom, clock: Clock::System };
        let region_told = theirs.map(str::to_owned);
        let me = Me { admin_id: "1009".into(), name: None, app_id: None, region: region_told, timezone: None };
        let mut out = Vec::new();
        online::tell(&[region(&desk, &me)], &mut out, false).unwrap();
        // Each sentence on one line, however wide.
        let below = format!("\n{:22}", "");
        let out = String::from_utf8(out).unwrap().replace(&format!("{below}help:"), "\nhelp:").replace(&below, " ");
        out.lines().skip(3).take(2).map(|line| line.trim().to_owned() + "\n").collect()
    }

    #[test]
    fn the_region_that_is_asked_is_held_against_the_one_that_the_workspace_is_in() {
        let found = [
            told("[intercom]\nregion = \"eu\"", Some("EU")),
            told("[intercom]\nregion = \"us\"", Some("EU")),
            told("", Some("AU")),
            told("[intercom]\nbase_url = \"https://api.eu.intercom.io\"", Some("US")),
            told("", None),
        ];
        insta::assert_snapshot!(found.concat(), @r#"
        ok     region         EU, as configured

        wrong  region         a.toml:2:1: the workspace is in region EU, which https://api.intercom.io/ is not of
        help: write region = "eu" under [intercom]
        wrong  region         the workspace is in region AU, which https://api.intercom.io/ is not of
        help: write region = "au" under [intercom]
        wrong  region         a.toml:2:1: the workspace is in region US, which https://api.eu.intercom.io/ is not of
        help: write region = "us" under [intercom], in place of base_url
        doubt  region         Intercom does not say in which region the workspace is
        help: compare [intercom] region with the address of your inbox: app.eu.intercom.com is `eu`
        "#);
    }
}
