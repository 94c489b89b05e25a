//! How a fake workspace is set up: who works there, which token opens it, what it limits, how it behaves.
//!
//! Owns: settings and their defaults. Refuses: changing anything; conversations live in `world`.

use super::attributes::{Attribute, AttributeKind};

/// The settings of a fake workspace. `Workspace::default()` is a small team with one token.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The workspace's id code, `app_id` in notifications.
    pub app_id: String,
    /// The access token that requests must carry.
    pub token: String,
    /// Values of `Intercom-Version` that are accepted.
    pub versions: Vec<String>,
    /// The teammates. The first one is who acts in a story unless [`by`](super::FakeIntercom::by) names another.
    pub admins: Vec<Admin>,
    /// Id of the teammate that the token belongs to.
    pub token_admin: String,
    /// Ids of the teammates who are away.
    pub away: Vec<String>,
    /// The teams.
    pub teams: Vec<Named>,
    /// Tags that exist; tagging by hand adds missing ones.
    pub tags: Vec<Named>,
    /// The attributes that a conversation can be given through the API. People can set any.
    pub conversation_attributes: Vec<Attribute>,
    /// Names of those that were put away: they are listed only on request, and cannot be set.
    pub archived_attributes: Vec<String>,
    /// The contacts. Each new conversation takes the next one in turn.
    pub contacts: Vec<Contact>,
    /// The region as `GET /me` tells it: `US`, `EU` or `AU`.
    pub region: String,
    /// The IANA name of the workspace's time zone.
    pub timezone: String,
    /// Requests that are answered within one window of ten seconds.
    pub rate_limit: u32,
    /// The shape of `data.item` in notifications.
    pub webhook_version: WebhookVersion,
    /// `app_package_code` of parts made through the API; the real one shows null for a private app.
    pub app_package_code: Option<String>,
    /// Behaviour that differs between workspaces or is not documented.
    pub quirks: Vec<Quirk>,
}

/// A teammate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Numeric id.
    pub id: String,
    /// First name.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Whether they may work in the inbox.
    pub has_inbox_seat: bool,
}

/// A team or a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Numeric id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Intercom's id: 24 hexadecimal digits.
    pub id: String,
    /// `user` or `lead`.
    pub role: String,
    /// Name, if known.
    pub name: Option<String>,
    /// E-mail address, if known.
    pub email: Option<String>,
}

/// The family of shapes that the app's API version gives to notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookVersion {
    /// Up to 2.4: `user`, `assignee`, `conversation_message`, no statistics.
    V1,
    /// 2.5 to 2.14: like REST, with ISO dates in the statistics and HTML bodies.
    V2,
    /// 2.15 and 2.16: like REST, with plain text bodies.
    V2b,
}

/// Behaviour that is off unless listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quirk {
    /// The end of a snooze by its timer is notified as `conversation.admin.unsnoozed`.
    WakeNotifies,
    /// A teammate's first reply in an unassigned conversation assigns it to them, in one part of type `assignment`.
    AssignOnFirstReply,
    /// The API refuses to close what is closed already (400), instead of adding a second `close` part.
    RefusesSecondClose,
}

impl Workspace {
    /// The teammate of that id.
    pub fn admin(&self, id: &str) -> Option<&Admin> {
        self.admins.iter().find(|admin| admin.id == id)
    }

    pub(super) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

impl Default for Workspace {
    fn default() -> Workspace {
        Workspace {
            app_id: "ab12cd34".to_owned(),
            token: "token-of-the-fake-workspace".to_owned(),
            versions: (6..=16).map(|minor| format!("2.{minor}")).collect(),
            admins: vec![admin("1001", "Sam"), admin("1002", "Alex"), admin("1009", "Robin")],
            token_admin: "1009".to_owned(),
            away: Vec::new(),
            teams: vec![named("2001", "Support"), named("2002", "Billing")],
            tags: vec![named("3001", "vip"), named("3002", "autoclose-hold")],
            conversation_attributes: attributes(),
            archived_attributes: Vec::new(),
            contacts: vec![
                contact("65f000000000000000000001", "user", "Kim"),
                contact("65f000000000000000000002", "lead", "Noor"),
                contact("65f000000000000000000003", "user", "Ada"),
            ],
            region: "US".to_owned(),
            timezone: "Europe/Dublin".to_owned(),
            rate_limit: 1666,
            webhook_version: WebhookVersion::V2,
            app_package_code: None,
            quirks: Vec::new(),
        }
    }
}

fn admin(id: &str, name: &str) -> Admin {
    let email = format!("{}@example.com", name.to_lowercase());
    Admin { id: id.to_owned(), name: name.to_owned(), email, has_inbox_seat: true }
}

/// One of each kind.
fn attributes() -> Vec<Attribute> {
    let topics = ["Billing", "Bug"].map(str::to_owned).to_vec();
    let kinds = [
        ("auto_closed_by", AttributeKind::Text),
        ("order_number", AttributeKind::Integer),
        ("refund", AttributeKind::Float),
        ("escalated", AttributeKind::Boolean),
        ("renewal", AttributeKind::Date),
        ("topic", AttributeKind::OneOf(topics)),
        ("orders", AttributeKind::Objects("order".to_owned())),
    ];
    kinds.map(|(name, kind)| Attribute { name: name.to_owned(), kind }).to_vec()
}

fn named(id: &str, name: &str) -> Named {
    Named { id: id.to_owned(), name: name.to_owned() }
}

fn contact(id: &str, role: &str, name: &str) -> Contact {
    let email = Some(format!("{}@example.com", name.to_lowercase()));
    Contact { id: id.to_owned(), role: role.to_owned(), name: Some(name.to_owned()), email }
}
