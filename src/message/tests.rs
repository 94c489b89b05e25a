//! What templates become, and which are refused.

use super::*;

fn values() -> Values {
    Values {
        rule: "quiet".to_owned(),
        closes_at: Some("2026-03-06T23:30:00Z".parse().unwrap()),
        quiet_for: SignedDuration::from_hours(5 * 24 + 3),
        contact_first_name: Some("Alex".to_owned()),
        contact_name: Some("Alex <b>Example</b>".to_owned()),
        conversation_id: "123".to_owned(),
        conversation_title: None,
        teammate_name: None,
        timezone: TimeZone::UTC,
    }
}

#[test]
fn a_message_is_written_from_its_values() {
    for (template, text) in [
        ("Hello?", "Hello?"),
        ("Hi {{ contact.first_name | default('there') }}!", "Hi Alex!"),
        ("{{ rule }} {{ conversation.id }}", "quiet 123"),
        ("quiet for {{ quiet_for }}", "quiet for 5 days"),
        ("on {{ closes_at | date }}", "on Friday 6 March 2026"),
        ("on {{ closes_at }}", "on Friday 6 March 2026"),
        ("{{ teammate.name | default('the team') }}", "the team"),
        ("{{ conversation.title | default(rule) }}", "quiet"),
        ("<p>a & b</p>\nnext", "<p>a & b</p>\nnext"),
        ("{% if teammate.name | default('') %}by one{% else %}by all{% endif %}", "by all"),
    ] {
        assert_eq!(render(template, &values()), Ok(text.to_owned()), "{template}");
        assert!(check(template).is_ok(), "{template}");
    }
}

#[test]
fn days_are_named_in_the_configured_zone() {
    let zone = TimeZone::get("Asia/Tokyo").unwrap();
    let text = render("{{ closes_at | date }}", &Values { timezone: zone, ..values() });
    assert_eq!(text, Ok("Saturday 7 March 2026".to_owned()));
}

#[test]
fn values_are_escaped_whatever_the_template_says() {
    let escaped = "Alex &lt;b&gt;Example&lt;&#x2f;b&gt;";
    for template in [
        "{{ contact.name }}",
        "{% autoescape false %}{{ contact.name }}{% endautoescape %}",
        "{% set x %}{{ contact.name }}{% endset %}{{ x }}",
        "{% autoescape false %}{% set x %}{{ contact.name }}{% endset %}{% endautoescape %}{{ x | default('') }}",
    ] {
        let text = render(template, &values()).unwrap();
        assert!(!text.contains("<b>") && text.contains("b&"), "{template}: {text}");
    }
    assert_eq!(render("{{ contact.name }}", &values()), Ok(escaped.to_owned()));
}

#[test]
fn values_are_never_evaluated() {
    let name = "{{ rule }}{% for x in y %}".to_owned();
    let text = render("{{ contact.first_name }}", &Values { contact_first_name: Some(name.clone()), ..values() });
    assert_eq!(text, Ok(name));
}

#[test]
fn a_default_replaces_what_is_missing_empty_or_blank() {
    for name in [None, Some(""), Some(" \t")] {
        let values = Values { contact_first_name: name.map(str::to_owned), ..values() };
        let text = render("Hi {{ contact.first_name | default('there') }}", &values);
        assert_eq!(text, Ok("Hi there".to_owned()), "{name:?}");
        assert!(render("Hi {{ contact.first_name }}", &values).is_err(), "{name:?}");
    }
}

#[test]
fn the_check_finds_what_could_fail_later() {
    for (template, message) in [
        ("{{ contact.email }}", "unknown template variable `contact.email`"),
        ("{{ contact }}", "unknown template variable `contact`"),
        ("{% if rule == 'x' %}{{ nobody }}{% endif %}hello", "unknown template variable `nobody`"),
        ("{{ contact.first_name }}", "`contact.first_name` is not always known"),
        ("{{ teammate.name | default(contact.name) }}", "`contact.name` is not always known"),
        ("{{ rule | upper }}", "filter upper is unknown here"),
        ("{% if rule is defined %}x{% endif %}", "test defined is unknown here"),
        ("{{ rule | date }}", "this template does not work: `date` takes `closes_at`"),
        ("{{ contact.name | default('') }}", "this template can come out empty"),
        ("{% set a = 'xx' %}{% set a = a ~ a %}{{ a }}", "`set` has no place in a text"),
        ("{{ 'x' * 99999999 }}", "`*` has no place in a text"),
        ("{% for a in b %}", "this template cannot be read: unexpected end of input, expected end of block"),
    ] {
        let found = check(template).map_err(|error| error.to_string());
        assert_eq!(found.unwrap_err(), message, "{template}");
    }
}

#[test]
fn the_help_for_a_missing_value_shows_the_default() {
    let error = check("Hi {{ contact.first_name }}").unwrap_err();
    assert!(error.help().starts_with("write {{ contact.first_name | default('there') }}"), "{}", error.help());
    assert_eq!(error.range(), Some(6..24));
}

#[test]
fn a_mistake_points_at_the_name_itself() {
    for (template, marked) in [
        ("{{ contact.first_name | default('x') }} {{ >contact }}", "contact"),
        ("contact.nome {{ rule }} { contact.nome } {{ >contact.nome }}", "contact.nome"),
        ("{{ teammate.name | default(>contact.name) }}", "contact.name"),
        ("{% if rule == 'x' %}é{{ >nobody }}{% endif %}hello", "nobody"),
        ("one\ntwo {{ rule |>upper }}", "upper"),
        ("{{ >rule.name }}", "rule.name"),
    ] {
        let at = template.find('>').unwrap();
        let error = check(&template.replacen('>', "", 1)).unwrap_err();
        assert_eq!(error.range(), Some(at..at + marked.len()), "{template}: {error}");
    }
}

#[test]
fn a_mistake_is_never_told_at_a_place_behind_the_end() {
    let template = "{{ 'a\\x3cb\\u003t not";
    let error = check(template).unwrap_err();
    assert!(error.range().is_none_or(|range| template.get(range).is_some()), "{error:?}");
}

#[test]
fn a_template_that_never_ends_is_stopped() {
    let nested = "{% for a in 'aaaaaaaaaaaaaaaaaaaa' %}".repeat(5) + "x" + &"{% endfor %}".repeat(5);
    assert!(check(&nested).is_err());
    let endless = "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}";
    assert!(check(endless).is_err());
}

#[test]
fn a_text_that_nobody_would_read_is_none() {
    assert_eq!(check(&"x".repeat(LONGEST_TEMPLATE)).err(), None);
    assert_eq!(check(&"x".repeat(LONGEST_TEMPLATE + 1)).err(), Some(TemplateError::TooLong));
    let named = |bytes| Values { contact_name: Some("<".repeat(bytes)), ..values() };
    assert_eq!(render("{{ contact.name | default('you') }}", &named(1_000)).unwrap().len(), 4_000);
    assert_eq!(render("{{ contact.name | default('you') }}", &named(1_001)), Ok("you".to_owned()));
    let many = "{{ contact.name | default('you') }}".repeat(66);
    assert_eq!(check(&many).err(), None);
    assert_eq!(render(&many, &named(1_000)), Err(TemplateError::TooLong));
}

#[test]
fn a_failure_at_the_time_of_sending_does_not_quote_the_values() {
    let error = render("{{ contact.first_name + 1 }}", &values()).unwrap_err();
    assert!(!format!("{error:?} {error}").contains("Alex"));
}

#[test]
fn the_check_says_which_facts_are_needed() {
    let uses = |template| check(template).unwrap();
    assert_eq!(uses("Hello?"), Uses::default());
    assert_eq!(uses("{{ contact.name | default('you') }}"), Uses { contact: true, ..Uses::default() });
    let all = "{{ closes_at }}{{ conversation.title | default('') }}{{ teammate.name | default('') }}";
    assert_eq!(uses(all), Uses { closes_at: true, teammate: true, contact: false });
}
