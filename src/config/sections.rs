//! Reads every table but the rules: keys, defaults and limits.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::DeValue;
use url::{Host, Url};

use super::calendars::Files;
use super::notes::Problem;
use super::reader::{Reader, shown};
use super::{
    AdminConfig, Config, DatabaseConfig, IntercomConfig, KeepBodies, Mode, SafetyConfig, ScheduleConfig, ServerConfig,
};
use super::{calendars, duration, rules, schedule};
use crate::engine::RuleSet;
use crate::safety::Share;

const REGIONS: [(&str, &str); 3] =
    [("https://api.intercom.io", "us"), ("https://api.eu.intercom.io", "eu"), ("https://api.au.intercom.io", "au")];

/// All calls of a deed follow each other at once: with fewer requests in ten seconds they never could.
const FEWEST_REQUESTS: u32 = 5;

/// The oldest API version whose names the daemon knows.
const OLDEST_API: (u32, u32) = (2, 6);

/// Reads the whole file. `None` only after a mistake was noted.
pub(super) fn config(mut top: Reader<'_>, files: Files<'_>) -> Option<Config> {
    let mode = top.one_of("mode", &Mode::NAMES).unwrap_or(Mode::DryRun);
    let timezone = top.parsed("timezone", "Europe/Dublin", timezone).map_or(TimeZone::UTC, Spanned::into_inner);
    let intercom = intercom(top.section("intercom", "[intercom]"));
    let (server, admin) = listeners(&mut top);
    let database = database(top.section("database", "[database]"));
    let schedule = schedules(top.section("schedule", "[schedule]"));
    let (safety, hold_tags, max_auto_closes) = safety(top.section("safety", "[safety]"));
    let gap = SignedDuration::try_from(schedule::longest_gap(&schedule.sweep)).unwrap_or_default();
    let calendars = calendars::calendars(&mut top, &timezone, gap, files);
    let rules = rules::rules(&mut top, &timezone, &calendars, &hold_tags);
    top.finish(|_| None);
    let rules = RuleSet { rules, hold_tags, max_auto_closes };
    let calendars = calendars.into_good();
    let intercom = intercom?;
    Some(Config { mode, timezone, intercom, server, admin, database, schedule, safety, calendars, rules })
}

pub(super) fn timezone(name: &str) -> Result<TimeZone, Problem> {
    // There is one name of a zone of which nothing is known.
    TimeZone::get(name).ok().filter(|zone| !zone.is_unknown()).ok_or_else(|| {
        let help = "write a name like \"Europe/Dublin\" or \"America/New_York\", or \"UTC\"";
        Problem::new(format!("unknown time zone \"{}\"", shown(name)), help)
    })
}

fn intercom(mut table: Reader<'_>) -> Option<IntercomConfig> {
    let base_url = base_url(&mut table);
    let api_version = table.parsed("api_version", "2.16", api_version).map(Spanned::into_inner);
    let admin_id = admin_id(&mut table);
    let app_id = table.parsed("app_id", "ab12cd34", app_id).map(Spanned::into_inner);
    let requests_per_10s = table.count("requests_per_10s", FEWEST_REQUESTS, 500);
    let timeout = seconds(&mut table, "timeout", "10 seconds", 10);
    let probe = seconds(&mut table, "probe", "60 seconds", 60);
    table.finish(|_| None);
    let api_version = api_version.unwrap_or_else(|| "2.16".to_owned());
    Some(IntercomConfig { base_url: base_url?, api_version, admin_id, app_id, requests_per_10s, timeout, probe })
}

fn seconds(table: &mut Reader<'_>, key: &'static str, example: &str, default: u64) -> Duration {
    let given = table.duration(key, example).and_then(|length| Duration::try_from(length.into_inner()).ok());
    given.unwrap_or(Duration::from_secs(default))
}

/// Of the region or a proxy. `None` only after a mistake was noted.
fn base_url(table: &mut Reader<'_>) -> Option<Url> {
    let (has_region, has_url) = (table.has("region"), table.has("base_url"));
    let region = table.one_of("region", &REGIONS);
    let url = table.parsed("base_url", "http://127.0.0.1:4010", proxy_url);
    if has_region && has_url {
        let place = table.keys().find(|(key, _)| *key == "base_url").map_or(0..0, |(_, span)| span);
        let help = "leave one of the two out: the region, unless requests go through a proxy of yours";
        table.notes.error(place, "`base_url` and `region` both say where Intercom is", help);
        return None;
    }
    match url {
        Some(url) => Some(url.into_inner()),
        None if has_url || (has_region && region.is_none()) => None,
        None => Url::parse(region.unwrap_or(REGIONS[0].0)).ok(),
    }
}

// The messages do not repeat the address: it may hold a password.
fn proxy_url(text: &str) -> Result<Url, Problem> {
    let example = "write for example base_url = \"https://intercom-proxy.example.com\"";
    let url = Url::parse(text).map_err(|error| Problem::new(format!("this is no address: {error}"), example))?;
    if !url.username().is_empty() || url.password().is_some() {
        let help = "take the user name and password out; the access token comes from the environment";
        return Err(Problem::new("`base_url` has credentials in it", help));
    }
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => {
            let help =
                "write https://; plain http is for this machine only, as it would show the access token to others";
            return Err(Problem::new("`base_url` is not encrypted", help));
        }
        _ => return Err(Problem::new("`base_url` must begin with https://", example)),
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::new("`base_url` must end with the host and port", example));
    }
    Ok(url)
}

fn api_version(text: &str) -> Result<String, Problem> {
    let number =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten();
    let version = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    match version {
        None => Err(Problem::new("this is no version of Intercom's API", "write for example api_version = \"2.16\"")),
        Some(version) if version < OLDEST_API => Err(Problem::new(
            "this version of Intercom's API is too old: before 2.6 its fields have other names",
            "write api_version = \"2.16\", or any version from 2.6 on",
        )),
        Some(_) => Ok(text.to_owned()),
    }
}

fn admin_id(table: &mut Reader<'_>) -> Option<String> {
    let value = table.value("admin_id")?;
    let text = match value.get_ref() {
        DeValue::String(text) => text.as_ref(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str(),
        _ => "",
    };
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits {
        return Some(text.to_owned());
    }
    let help = "write the number that Intercom gave the teammate, such as admin_id = \"5784329\"; leave it out for the token's own";
    table.notes.error(value.span(), "`admin_id` must be the id of a teammate, in digits", help);
    None
}

fn app_id(text: &str) -> Result<String, Problem> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let help = "it stands in the address of your inbox, such as \"ab12cd34\"; leave it out to learn it from Intercom";
    if fits { Ok(text.to_owned()) } else { Err(Problem::new("this is no id of a workspace", help)) }
}

fn listeners(top: &mut Reader<'_>) -> (ServerConfig, AdminConfig) {
    let mut server = top.section("server", "[server]");
    let mut admin = top.section("admin", "[admin]");
    let public = server.parsed("listen", "127.0.0.1:8080", listen);
    let private = admin.parsed("listen", "127.0.0.1:8081", listen);
    let path = server.parsed("webhook_path", "/webhooks/intercom", webhook_path).map(Spanned::into_inner);
    let max_body = server.parsed("max_body", "1 MiB", duration::parse_size).map(Spanned::into_inner);
    let place = private.as_ref().or(public.as_ref()).map_or(0..0, Spanned::span);
    let public = public.map_or(local(8080), Spanned::into_inner);
    let private = private.map_or(local(8081), Spanned::into_inner);
    if collide(public, private) {
        let help = "give [admin] an address of its own that the internet cannot reach, such as \"127.0.0.1:8081\"";
        top.notes.error(place, "[server] and [admin] listen on the same address", help);
    }
    server.finish(|_| None);
    admin.finish(|_| None);
    let webhook_path = path.unwrap_or_else(|| "/webhooks/intercom".to_owned());
    let server = ServerConfig { listen: public, webhook_path, max_body: max_body.unwrap_or(1 << 20) };
    (server, AdminConfig { listen: private })
}

/// An address of every interface takes the port from all others of its kind, and that of IPv6 from all.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let takes = |wide: SocketAddr, narrow: SocketAddr| {
        wide.ip().is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4()) || wide.ip() == narrow.ip()
    };
    one.port() != 0 && one.port() == other.port() && (takes(one, other) || takes(other, one))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn listen(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| {
        let help =
            "write an IP address and a port, such as \"127.0.0.1:8080\", or \"0.0.0.0:8080\" for every interface";
        Problem::new("this is no address to listen on", help)
    })
}

fn webhook_path(text: &str) -> Result<String, Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if !text.starts_with('/') {
        let help = format!("write \"/{}\"", shown(text));
        return Err(Problem::new("`webhook_path` must begin with a slash", help));
    }
    if matches!(text, "/" | "/health") {
        let help = "write for example \"/webhooks/intercom\"";
        return Err(Problem::new("`webhook_path` needs a path of its own", help));
    }
    if !text.bytes().all(plain) {
        let help = "use letters, digits, and the signs / - . _ ~ only";
        return Err(Problem::new("`webhook_path` has a character in it that does not belong in a path", help));
    }
    Ok(text.to_owned())
}

fn database(mut table: Reader<'_>) -> DatabaseConfig {
    let path = table.parsed("url", "sqlite:autoclosed.db", database_path).map(Spanned::into_inner);
    let keep_bodies = table.one_of("keep_bodies", &KeepBodies::NAMES).unwrap_or(KeepBodies::Odd);
    let retention = table.duration("retention", "30 days").map(Spanned::into_inner);
    table.finish(|_| None);
    DatabaseConfig {
        path: path.unwrap_or_else(|| PathBuf::from("autoclosed.db")),
        keep_bodies,
        retention: retention.unwrap_or(SignedDuration::from_hours(30 * 24)),
    }
}

fn database_path(text: &str) -> Result<PathBuf, Problem> {
    let example = "write for example url = \"sqlite:/var/lib/autoclosed/autoclosed.db\"";
    match text.strip_prefix("sqlite:") {
        None => Err(Problem::new("the database must be a SQLite file", example)),
        Some(path) if path.trim().is_empty() => Err(Problem::new("the database has no file name", example)),
        Some(path) if path.contains(":memory:") => {
            Err(Problem::new("a database in memory is gone after a restart, and with it what was promised", example))
        }
        Some(path) if path.starts_with("//") || path.contains(['?', '#']) => {
            Err(Problem::new("after `sqlite:` comes the plain path of the file, without // and options", example))
        }
        Some(path) => Ok(PathBuf::from(path)),
    }
}

fn schedules(mut table: Reader<'_>) -> ScheduleConfig {
    let mut read = |key, default: &str| {
        let given = table.parsed(key, default, schedule::parse).map(Spanned::into_inner);
        given.unwrap_or_else(|| default.to_owned())
    };
    let sweep = read("sweep", "*/10 * * * * *");
    let reconcile = read("reconcile", "0 */10 * * * *");
    table.finish(|_| None);
    ScheduleConfig { sweep, reconcile }
}

/// A number of at least 0. Some take 0 for no limit, so that is doubted.
fn limit(table: &mut Reader<'_>, key: &'static str, default: u32, never: &str) -> u32 {
    let limit = table.count(key, 0, default);
    if limit == Some(0) {
        let help = format!("0 is none, not as many as there are: write for example {key} = {default}");
        table.notes.warning(table.place_of(key), format!("with {key} = 0 {never}"), help);
    }
    limit.unwrap_or(default)
}

/// Whoever writes 0 may mean that it never trips, and gets the opposite.
fn reopen_rate(table: &mut Reader<'_>) -> Share {
    let key = "trip_reopen_rate";
    let rate = table.share(key, "0.25");
    if rate.is_some_and(Share::is_none) {
        let message = format!("with {key} = 0 a single close that a contact reopens stops its rule");
        let help = format!("write for example {key} = 0.25; with 1 a rule stops only when every close is reopened");
        table.notes.warning(table.place_of(key), message, help);
    }
    rate.unwrap_or(Share::QUARTER)
}

/// With the tags that hold, and how often one conversation is closed.
fn safety(mut table: Reader<'_>) -> (SafetyConfig, Vec<String>, u32) {
    let mut budget = |key, default, never| limit(&mut table, key, default, never);
    let max_actions_per_sweep = budget("max_actions_per_sweep", 30, "nothing is ever done");
    let max_closes_per_hour = budget("max_closes_per_hour", 100, "nothing is ever closed");
    let no_text = "no text is ever sent, nor a close that has one";
    let max_messages_per_hour = budget("max_messages_per_hour", 100, no_text);
    let max_auto_closes = budget("max_auto_closes", 2, "nothing is ever closed");
    let trip_reopen_rate = reopen_rate(&mut table);
    let unclear_quiet = table.duration("unclear_quiet", "60 seconds").map(Spanned::into_inner);
    let unclear_quiet = unclear_quiet.unwrap_or(SignedDuration::from_secs(60));
    let missed_grace = table.duration("missed_grace", "2 minutes").map(Spanned::into_inner);
    let missed_grace = missed_grace.unwrap_or(SignedDuration::from_mins(2));
    let max_missed = table.count("max_missed", 0, 20).unwrap_or(20);
    let max_lateness = table.duration("max_lateness", "3 days").map(Spanned::into_inner);
    let max_lateness = max_lateness.unwrap_or(SignedDuration::from_hours(3 * 24));
    let max_due_at_once = table.count("max_due_at_once", 0, 50).unwrap_or(50);
    let hold_tags = table.names("hold_tags", "autoclose-hold").map(|tags| rules::owned(tags.get_ref()));
    let hold_tags = hold_tags.unwrap_or_else(|| vec!["autoclose-hold".to_owned()]);
    table.finish(|_| None);
    let safety = SafetyConfig {
        max_actions_per_sweep,
        max_closes_per_hour,
        max_messages_per_hour,
        trip_reopen_rate,
        unclear_quiet,
        missed_grace,
        max_missed,
        max_lateness,
        max_due_at_once,
    };
    (safety, hold_tags, max_auto_closes)
}
