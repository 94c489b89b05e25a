//! What each part of the daemon needs of the configuration.

use jiff::SignedDuration;

use crate::board::Tolerance;
use crate::config::{self, Config, Mode};
use crate::identity::Expected;
use crate::intercom::client::ClientSettings;
use crate::names::Names;
use crate::rulebook::Edition;
use crate::safety::Limits;
use crate::store::KeepBodies;
use crate::sweep::Settings;
use crate::tenure;

pub(crate) fn client_settings(config: &Config) -> ClientSettings {
    ClientSettings {
        base_url: config.intercom.base_url.clone(),
        api_version: config.intercom.api_version.clone(),
        timeout: config.intercom.timeout,
        requests_per_10s: config.intercom.requests_per_10s,
    }
}

pub(crate) fn expected(config: &Config) -> Expected {
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

pub(crate) fn keep_bodies(config: &Config) -> KeepBodies {
    match config.database.keep_bodies {
        config::KeepBodies::Odd => KeepBodies::Odd,
        config::KeepBodies::All => KeepBodies::All,
    }
}

pub(super) fn settings(config: &Config) -> Settings {
    Settings {
        dry_run: config.mode == Mode::DryRun,
        limits: limits(config),
        trip_reopen_rate: config.safety.trip_reopen_rate,
        unclear_quiet: unclear_quiet(config),
        gap: gap(config),
        timezone: config.timezone.clone(),
    }
}

/// Where sweeps are seldom, it is no gap that none ran.
fn gap(config: &Config) -> SignedDuration {
    let longest = config::longest_gap(&config.schedule.sweep);
    SignedDuration::try_from(longest.saturating_mul(2)).unwrap_or(SignedDuration::MAX)
}

pub(crate) fn limits(config: &Config) -> Limits {
    Limits {
        actions_per_sweep: config.safety.max_actions_per_sweep,
        closes_per_hour: config.safety.max_closes_per_hour,
        messages_per_hour: config.safety.max_messages_per_hour,
        lateness: config.safety.max_lateness,
        due_at_once: config.safety.max_due_at_once,
    }
}

pub(super) fn tolerance(config: &Config) -> Tolerance {
    Tolerance { grace: config.safety.missed_grace, most: config.safety.max_missed }
}

pub(super) fn configured(config: &Config) -> String {
    let rules = config.rules.rules.len();
    let mode = if config.mode == Mode::DryRun { "dry-run: nothing is sent" } else { "live" };
    format!("{rules} rule{}, {mode}", if rules == 1 { "" } else { "s" })
}

/// The rules, with the ids of what they name as far as those are known.
pub(crate) fn edition(config: &Config, names: &Names) -> Edition {
    Edition::new(config.rules.clone().with_ids(|called| names.id_of(called)), config.mode == Mode::DryRun)
}

/// What of a changed configuration can be used while running, and the sections that must wait for the next start.
pub(super) fn usable(started: &Config, changed: &Config) -> (Config, Vec<&'static str>) {
    let waits = [
        ("[intercom]", started.intercom != changed.intercom),
        ("[server]", started.server != changed.server),
        ("[admin]", started.admin != changed.admin),
        ("[database]", started.database != changed.database),
        ("[schedule]", started.schedule != changed.schedule),
    ];
    let usable = Config {
        intercom: started.intercom.clone(),
        server: started.server.clone(),
        admin: started.admin.clone(),
        database: started.database.clone(),
        schedule: started.schedule.clone(),
        ..changed.clone()
    };
    (usable, waits.into_iter().filter(|(_, differs)| *differs).map(|(section, _)| section).collect())
}

/// A lost answer rests at least until the call itself must have ended, also where another daemon made it, which trusted
/// its lease until just before it was taken over.
fn unclear_quiet(config: &Config) -> SignedDuration {
    let shortest = SignedDuration::try_from(config.intercom.timeout.saturating_add(tenure::TTL));
    config.safety.unclear_quiet.max(shortest.unwrap_or(SignedDuration::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::engine::calendar::Calendar;

    fn config(text: &str) -> Config {
        config::parse("a.toml", text.as_bytes()).unwrap().config
    }

    #[test]
    fn what_cannot_change_while_running_waits_and_everything_else_is_used() {
        let rule =
            "[[rule]]\nname = \"a\"\nmatch_all = true\nstep = [{ after = \"1 day\", do = \"close\", silent = true }]";
        let changed =
            format!("mode = \"live\"\ntimezone = \"Europe/Dublin\"\n[safety]\nmax_closes_per_hour = 7\n{rule}");
        for (section, key) in [
            ("[intercom]", "timeout = \"3 minutes\""),
            ("[server]", "max_body = \"2 MiB\""),
            ("[admin]", "listen = \"127.0.0.1:9\""),
            ("[database]", "keep_bodies = \"all\""),
            ("[schedule]", "sweep = \"0 * * * * *\""),
        ] {
            let started = config("");
            let (used, waits) =
                usable(&started, &config(&changed.replace("[safety]", &format!("{section}\n{key}\n[safety]"))));
            assert_eq!(waits, [section]);
            assert_eq!(used, config(&changed), "{section}");
            assert_eq!(settings(&used).unclear_quiet, settings(&started).unclear_quiet, "{section}");
        }
    }

    #[test]
    fn an_untouched_configuration_waits_for_nothing() {
        assert_eq!(usable(&config(""), &config("")), (config(""), vec![]));
    }

    #[test]
    fn every_region_has_its_address_and_every_address_its_region() {
        for (written, address, region) in [
            ("region = \"us\"", "https://api.intercom.io/", Some("US")),
            ("region = \"eu\"", "https://api.eu.intercom.io/", Some("EU")),
            ("region = \"au\"", "https://api.au.intercom.io/", Some("AU")),
            ("", "https://api.intercom.io/", Some("US")),
            ("base_url = \"https://api.eu.intercom.io\"", "https://api.eu.intercom.io/", Some("EU")),
            ("base_url = \"https://proxy.example.com\"", "https://proxy.example.com/", None),
            ("base_url = \"http://127.0.0.1:4010\"", "http://127.0.0.1:4010/", None),
        ] {
            let config = config(&format!("[intercom]\n{written}"));
            assert_eq!(client_settings(&config).base_url.as_str(), address, "{written}");
            assert_eq!(expected(&config).region, region, "{written}");
        }
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
            (format!("{:?}", config.rules), edition(&config, &Names::default()).fingerprint().to_owned())
        };
        let (usual, later) = (with("GMT0IST,M3.5.0/1,M10.5.0"), with("GMT0IST,M3.5.0/1,M11.1.0"));
        assert_eq!(usual.0, later.0, "the rules themselves do not tell the two zones apart");
        assert_ne!(usual.1, later.1);
        assert_eq!(usual, with("GMT0IST,M3.5.0/1,M10.5.0"));
    }
}
