//! Reads the names of channels, which are Intercom's own (`source.type`).
//!
//! Owns: which are known. Refuses: nothing; Intercom may have new ones.

use toml::Spanned;

use super::reader::{Reader, nearest, shown};
use super::rules::{not_empty, owned};

const KNOWN: [&str; 10] = [
    "conversation",
    "email",
    "facebook",
    "instagram",
    "phone_call",
    "phone_switch",
    "push",
    "sms",
    "twitter",
    "whatsapp",
];

/// Where texts go out unless the step says otherwise.
pub(crate) const USUAL: [&str; 2] = ["conversation", "email"];

/// The channels of a match.
pub(super) fn matched(conditions: &mut Reader<'_>) -> Vec<String> {
    listed(conditions, "channel", "email").unwrap_or_default()
}

/// The channels on which the text of a step goes out.
pub(super) fn written_to(step: &mut Reader<'_>) -> Vec<String> {
    listed(step, "channels", USUAL[0]).unwrap_or_else(|| USUAL.map(str::to_owned).to_vec())
}

fn listed(table: &mut Reader<'_>, key: &'static str, example: &str) -> Option<Vec<String>> {
    let names = table.names(key, example)?;
    not_empty(table, key, &names)?;
    for name in names.get_ref() {
        doubt(table, name);
    }
    Some(owned(names.get_ref()))
}

fn doubt(table: &Reader<'_>, name: &Spanned<&str>) {
    if KNOWN.contains(name.get_ref()) {
        return;
    }
    let near = nearest(&name.get_ref().to_ascii_lowercase(), KNOWN.into_iter());
    let near = near.map(|near| format!("did you mean \"{near}\"? ")).unwrap_or_default();
    let others = KNOWN[1..].join(", ");
    let message = format!("Intercom is not known to call a channel \"{}\"", shown(name.get_ref()));
    let help = format!("{near}the channels are {} (the Messenger), {others}", KNOWN[0]);
    table.notes.warning(name.span(), message, help);
}
