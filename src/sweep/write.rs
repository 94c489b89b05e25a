//! What a deed says and what it is to bring about, from templates and what was just read.

use super::Sweeper;
use super::act::DueStep;
use super::read::Fresh;
use crate::engine::rule::{Assignment, Labels, Named, Setting};
use crate::engine::{Action, Wish};
use crate::intercom::client::ReadConversation;
use crate::message::{self, TemplateError, Values};

/// What a deed sends beside its kind.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// The text, for the contact or the team.
    pub(super) text: Option<String>,
    /// What is to become so, in order: by the deed itself, or after a close.
    pub(super) wishes: Vec<Wish>,
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotWritten {
    #[error("its message cannot be written: {0}")]
    Template(#[from] TemplateError),
    #[error("Intercom has not told yet who `{0}` is")]
    Unnamed(String),
}

impl Sweeper {
    /// Writes what the action says. May ask Intercom for the contact's name.
    pub(super) async fn write(&self, action: &Action, due: &DueStep, fresh: &Fresh) -> Result<Written, NotWritten> {
        let templates: Vec<&str> = action.templates().map(|template| &**template).collect();
        if templates.is_empty() {
            return Ok(Written { text: None, wishes: wishes(action, None)? });
        }
        let values = self.values(&templates, action, due, fresh).await;
        let text = action.template().map(|template| message::render(template, &values)).transpose()?;
        Ok(Written { text, wishes: wishes(action, Some(&values))? })
    }

    async fn values(&self, templates: &[&str], action: &Action, due: &DueStep, fresh: &Fresh) -> Values {
        let contact_name = self.contact_name(templates, &fresh.read).await;
        let now = self.standpoint.now();
        Values {
            rule: due.rule.to_string(),
            closes_at: action.closes_at().or(Some(now)),
            quiet_for: now.duration_since(due.anchor_at),
            contact_first_name: contact_name
                .as_deref()
                .and_then(|name| name.split_whitespace().next())
                .map(str::to_owned),
            contact_name,
            conversation_id: fresh.decided.conversation.id.to_string(),
            conversation_title: fresh.read.title.clone(),
            teammate_name: self.teammate_name(fresh),
            timezone: self.settings.timezone.clone(),
        }
    }

    /// The name of the teammate it is assigned to; known if a text asks for it.
    fn teammate_name(&self, fresh: &Fresh) -> Option<String> {
        let assignee = fresh.decided.conversation.facts()?.admin_assignee_id.clone()??;
        self.standpoint.names().teammate(&assignee)
    }

    /// The contact's name, if a text asks for it. Without an answer the text's own default is used.
    async fn contact_name(&self, templates: &[&str], read: &ReadConversation) -> Option<String> {
        let asked = templates.iter().any(|template| message::check(template).is_ok_and(|uses| uses.contact));
        let id = read.contact_id.as_ref().filter(|_| asked)?;
        match self.intercom.contact(id).await {
            Ok(contact) => contact.name,
            Err(error) => {
                tracing::info!(error = %error, "the contact's name could not be read; the message uses its default");
                None
            }
        }
    }
}

/// What is to become so. A template needs values; without one there are none.
fn wishes(action: &Action, values: Option<&Values>) -> Result<Vec<Wish>, NotWritten> {
    Ok(match action {
        Action::Snooze { until } => vec![Wish::Snoozed(*until)],
        Action::Open => vec![Wish::Open],
        Action::Assign(Assignment::Nobody) => vec![Wish::Team(None), Wish::Teammate(None)],
        // The team first: giving it to a team may give it to one of its teammates too.
        Action::Assign(Assignment::To { team, teammate }) => {
            let team = team.as_ref().map(id).transpose()?.map(|id| Wish::Team(Some(id)));
            let teammate = teammate.as_ref().map(id).transpose()?.map(|id| Wish::Teammate(Some(id)));
            team.into_iter().chain(teammate).collect()
        }
        Action::Label { labels, .. } | Action::Close { labels, .. } => labelled(labels, values)?,
        Action::Reply { .. } | Action::Note { .. } | Action::PassOver { .. } => Vec::new(),
    })
}

fn id(named: &Named) -> Result<String, NotWritten> {
    named.id.clone().ok_or_else(|| NotWritten::Unnamed(named.name.clone()))
}

fn labelled(labels: &Labels, values: Option<&Values>) -> Result<Vec<Wish>, NotWritten> {
    let mut wishes: Vec<Wish> = labels.tags.iter().cloned().map(Wish::Tagged).collect();
    wishes.extend(labels.untag.iter().cloned().map(Wish::Untagged));
    for (name, setting) in &labels.set {
        let value = match (setting, values) {
            (Setting::Value(value), _) => value.clone(),
            (Setting::Template(template), Some(values)) => {
                crate::engine::AttributeValue::Text(message::render_plain(template, values)?)
            }
            (Setting::Template(template), None) => crate::engine::AttributeValue::Text(template.to_string()),
        };
        wishes.push(Wish::Attribute(name.clone(), value));
    }
    wishes.extend(labels.read.map(Wish::Read));
    Ok(wishes)
}
