//! What each part of the daemon needs of the configuration.

use jiff::SignedDuration;

use crate::config::{self, Config, Mode};
use crate::identity::Expected;
use crate::intercom::client::ClientSettings;
use crate::safety::Limits;
use crate::store::KeepBodies;
use crate::sweep::Settings;

pub(super) fn client_settings(config: &Config) -> ClientSettings {
    ClientSettings {
        base_url: config.intercom.base_url.clone(),
        api_version: config.intercom.api_version.clone(),
        timeout: config.intercom.timeout,
        requests_per_10s: config.intercom.requests_per_10s,
    }
}

pub(super) fn expected(config: &Config) -> Expected {
    Expected {
        app_id: config.intercom.app_id.clone(),
        admin_id: config.intercom.admin_id.clone(),
        region: region(config),
    }
}

/// The region that the address belongs to; a proxy or a test has none.
fn region(config: &Config) -> Option<&'static str> {
    match config.intercom.base_url.host_str() {
        Some("api.intercom.io") => Some("US"),
        Some("api.eu.intercom.io") => Some("EU"),
        Some("api.au.intercom.io") => Some("AU"),
        _ => None,
    }
}

pub(super) fn keep_bodies(config: &Config) -> KeepBodies {
    match config.database.keep_bodies {
        config::KeepBodies::Odd => KeepBodies::Odd,
        config::KeepBodies::All => KeepBodies::All,
    }
}

pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        dry_run: config.mode == Mode::DryRun,
        limits: Limits {
            actions_per_sweep: config.safety.max_actions_per_sweep,
            closes_per_hour: config.safety.max_closes_per_hour,
            messages_per_hour: config.safety.max_messages_per_hour,
        },
        unclear_quiet: unclear_quiet(config),
        timezone: config.timezone.clone(),
    }
}

pub(super) fn configured(config: &Config) -> String {
    let rules = config.rules.rules.len();
    let mode = if config.mode == Mode::DryRun { "dry-run: nothing is sent" } else { "live" };
    format!("{rules} rule{}, {mode}", if rules == 1 { "" } else { "s" })
}

/// Digest of everything that a decision depends on beside the conversation.
pub(super) fn fingerprint(config: &Config) -> String {
    let named = config.rules.rules.iter().flat_map(|rule| [&rule.clock, &rule.act_only]).flatten();
    // The rules show the name of a calendar's zone; only its fingerprint tells what is known about the zone.
    let calendars: Vec<String> = named.map(|calendar| calendar.fingerprint()).collect();
    let depends = format!("{} {:?} {:?} {calendars:?}", env!("CARGO_PKG_VERSION"), config.mode, config.rules);
    crate::engine::rule::digest(&depends)
}

/// A lost answer rests at least until the call itself must have ended.
fn unclear_quiet(config: &Config) -> SignedDuration {
    const MARGIN: SignedDuration = SignedDuration::from_secs(5);
    let timeout = SignedDuration::try_from(config.intercom.timeout).unwrap_or(SignedDuration::MAX);
    config.safety.unclear_quiet.max(timeout.saturating_add(MARGIN))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::engine::calendar::Calendar;

    #[test]
    fn the_fingerprint_changes_with_a_calendar_that_a_rule_names() {
        let with = |hours: &str, holidays: &str| {
            let text = format!(
                "[[calendar]]\nname = \"office\"\nhours = {{ mon-fri = \"{hours}\" }}\nholidays = [{holidays}]\n\
                [[rule]]\nname = \"a\"\nmatch.state = \"open\"\nclock = \"office\"\n\
                step = [{{ after = \"2 working days\", do = \"close\", silent = true }}]"
            );
            fingerprint(&config::parse("a.toml", text.as_bytes()).unwrap().config)
        };
        let usual = with("09:00-18:00", "2026-12-25");
        assert_eq!(usual, with("09:00-18:00", "\"2026-12-25\""));
        assert_ne!(usual, with("09:00-17:00", "2026-12-25"));
        assert_ne!(usual, with("09:00-18:00", ""));
    }
    /// A zone as zone data tells it: no changes of its clocks, but the rule for all years.
    fn zone(name: &str, rule: &str) -> TimeZone {
        let part = |version: u8| {
            let mut part = [b"TZif".as_slice(), &[version], &[0; 15]].concat();
            // No leap seconds, no changes, one offset of nothing with a name of four bytes.
            part.extend([0_u32, 0, 0, 0, 1, 4].into_iter().flat_map(u32::to_be_bytes));
            part.extend([0, 0, 0, 0, 0, 0]);
            part.extend(b"GMT\0");
            part
        };
        let data = [part(b'2'), part(b'2'), format!("\n{rule}\n").into_bytes()].concat();
        TimeZone::tzif(name, &data).unwrap()
    }

    #[test]
    fn the_fingerprint_changes_with_what_is_known_about_a_zone() {
        let text = "[[calendar]]\nname = \"office\"\nhours = { mon-fri = \"09:00-18:00\" }\n\
            [[rule]]\nname = \"a\"\nmatch.state = \"open\"\nact_only = \"office\"\n\
            step = [{ after = \"2 days\", do = \"close\", silent = true }]";
        let config = config::parse("a.toml", text.as_bytes()).unwrap().config;
        let with = |rule: &str| {
            let mut config = config.clone();
            let (zone, week) = (zone("Europe/Dublin", rule), config.calendars[0].week().clone());
            let calendar = Calendar::new("office", zone, week, BTreeSet::new()).unwrap();
            config.rules.rules[0].act_only = Some(Arc::new(calendar));
            (format!("{:?}", config.rules), fingerprint(&config))
        };
        let (usual, later) = (with("GMT0IST,M3.5.0/1,M10.5.0"), with("GMT0IST,M3.5.0/1,M11.1.0"));
        assert_eq!(usual.0, later.0, "the rules themselves do not tell the two zones apart");
        assert_ne!(usual.1, later.1);
        assert_eq!(usual, with("GMT0IST,M3.5.0/1,M10.5.0"));
    }
}
