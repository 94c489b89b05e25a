//! What is accepted elsewhere in silence and means something else than it reads like.

use super::{parse, refusals};

/// Line, message and help of each doubt.
fn doubts(text: &str) -> Vec<String> {
    let loaded = parse("a.toml", text.as_bytes()).unwrap_or_else(|found| panic!("{found}"));
    let warnings = loaded.warnings.warnings.iter();
    let warnings = warnings.filter(|warning| !warning.message.starts_with("there are no rules"));
    warnings.map(|warning| format!("{}: {} | {}", warning.line, warning.message, warning.help)).collect()
}

fn rule(conditions: &str, steps: &str) -> String {
    format!("[[rule]]\nname = \"a\"\n{conditions}\n{steps}")
}

const CLOSE: &str = "[[rule.step]]\nafter = \"30 days\"\ndo = \"close\"\nsilent = true\n";

#[test]
fn a_single_name_with_a_comma_looks_like_several() {
    let help = |key: &str| {
        format!("write {key} = [\"vip\", \"legal\"] for several; one with a comma in it stands in brackets too")
    };
    for key in ["tags", "all_tags", "not_tags", "team", "not_team"] {
        for names in ["vip, legal", "vip;legal"] {
            let found = doubts(&rule(&format!("match.{key} = \"{names}\""), CLOSE));
            assert_eq!(found, [format!("3: `{key}` is a single name with a comma in it, \"{names}\" | {}", help(key))]);
        }
    }
    let found = doubts("[safety]\nhold_tags = \"vip, legal\"");
    assert_eq!(
        found,
        [format!("2: `hold_tags` is a single name with a comma in it, \"vip, legal\" | {}", help("hold_tags"))]
    );
    let step = "[[rule.step]]\nafter = \"1 day\"\ndo = \"tag\"\ntags = \"vip, legal\"";
    assert_eq!(doubts(&rule("match_all = true", step)).len(), 1);
    for fine in ["match.tags = [\"vip, legal\"]", "match.tags = [\"vip\", \"legal\"]", "match.tags = \"vip,\""] {
        assert_eq!(doubts(&rule(fine, CLOSE)), [""; 0], "{fine}");
    }
}

#[test]
fn several_known_words_in_one_text_are_told_as_a_list() {
    let text = rule("match.state = \"open, snoozed\"\nmatch.last_speaker = \"contact,teammate\"", CLOSE);
    let found = parse("a.toml", text.as_bytes()).unwrap_err();
    let helps: Vec<&str> = found.errors.iter().map(|error| error.help.as_str()).collect();
    assert_eq!(helps, ["write [\"open\", \"snoozed\"]", "write [\"contact\", \"teammate\"]"]);
}

#[test]
fn placeholders_of_other_programs_go_out_as_they_are() {
    let body = |text: &str| {
        let step = format!("[[rule.step]]\nafter = \"1 day\"\ndo = \"reply\"\nbody = '''{text}'''\n");
        doubts(&rule("match_all = true", &(step + CLOSE)))
    };
    for (text, part) in [
        ("Hi {contact.first_name}, did that help?", "{contact.first_name}"),
        ("Hi { first_name }, did that help?", "{ first_name }"),
        ("Hi %{name}, did that help?", "{name}"),
        ("Hi ${name}, did that help?", "{name}"),
        ("Hi {contact.first_name}}, did that help?", "{contact.first_name}"),
        ("Hi [first_name], did that help?", "[first_name]"),
        ("Hi [First Name], did that help?", "[First Name]"),
        ("Hi [[name]], did that help?", "[name]"),
        ("We close on {closes_at | date}.", "{closes_at | date}"),
    ] {
        let help = "values stand in double braces: {{ contact.first_name | default('there') }}";
        let told = format!("7: the contact would read `{part}` as it stands here | {help}");
        assert_eq!(body(text), [told], "{text}");
    }
    for fine in [
        "Hi {{ contact.first_name | default('{name}') }}!",
        "Hi {{contact.first_name|default('there')}}!",
        "{% if rule %}Hi {{ rule }}{% else %}Hi{% endif %}",
        "Use a set {1, 2} or {} or { a: 1 }.",
        "See [the manual] and [1].",
        "{# name #}Hello",
    ] {
        assert_eq!(body(fine), [""; 0], "{fine}");
    }
    let set = "[[rule.step]]\nafter = \"1 day\"\ndo = \"update\"\nset.by = \"{rule}\"\n";
    let told = doubts(&rule("match_all = true", set));
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("7: the attribute would be `{rule}` as it stands here"), "{told:?}");
}

#[test]
fn a_channel_that_intercom_does_not_have_is_doubted() {
    let known = "the channels are conversation (the Messenger), email, facebook, instagram, phone_call, phone_switch, push, sms, twitter, whatsapp";
    let found = doubts(&rule("match.channel = [\"e-mail\", \"sms\"]", CLOSE));
    assert_eq!(
        found,
        [format!("3: Intercom is not known to call a channel \"e-mail\" | did you mean \"email\"? {known}")]
    );
    let step = "[[rule.step]]\nafter = \"1 day\"\ndo = \"reply\"\nbody = \"Hello?\"\nchannels = \"Messenger\"\n";
    let found = doubts(&rule("match_all = true", step));
    assert_eq!(found, [format!("8: Intercom is not known to call a channel \"Messenger\" | {known}")]);
}

#[test]
fn a_key_in_another_table_is_told_its_own() {
    let step = format!(
        "{}mode = \"live\"\ntimezone = \"UTC\"\nhold_tags = []\nhours = {{}}\n",
        rule("match_all = true", CLOSE)
    );
    assert_eq!(
        refusals(step.as_bytes()),
        [
            "8:1 `mode` belongs to the top of the file",
            "9:1 `timezone` belongs to the top of the file",
            "10:1 `hold_tags` belongs to [safety]",
            "11:1 `hours` belongs to a [[calendar]]",
        ]
    );
    let rule = "[[rule]]\nname = \"a\"\nmatch.tags = \"a\"\nmatch.clock = \"b\"\nafter = \"1 day\"\ndo = \"close\"\nsilent = true\nstep = [{ after = \"1 day\", do = \"open\" }]";
    assert_eq!(
        refusals(rule.as_bytes()),
        [
            "4:7 `clock` belongs to the rule, outside of `match`",
            "5:1 `after` belongs to a step",
            "6:1 `do` belongs to a step",
            "7:1 `silent` belongs to a step",
        ]
    );
    let top = "match.tags = \"a\"\nclock = \"b\"\nregion = \"us\"\nstate = \"open\"\nsweep = \"* * * * * *\"\n[[step]]\nafter = \"1 day\"";
    assert_eq!(
        refusals(top.as_bytes()),
        [
            "1:1 `match` belongs to a rule",
            "2:1 `clock` belongs to a rule",
            "3:1 `region` belongs to [intercom]",
            "4:1 `state` belongs to the `match` of a rule",
            "5:1 `sweep` belongs to [schedule]",
            "6:3 `step` belongs to a rule",
        ]
    );
}

#[test]
fn two_listeners_cannot_have_the_same_port_of_the_same_address() {
    let listen =
        |public: &str, private: &str| format!("[server]\nlisten = \"{public}\"\n[admin]\nlisten = \"{private}\"");
    for (public, private) in [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("127.0.0.1:80", "0.0.0.0:80"),
        ("[::]:80", "127.0.0.1:80"),
        ("[::1]:80", "[::]:80"),
    ] {
        let found = refusals(listen(public, private).as_bytes());
        assert_eq!(found, ["4:10 [server] and [admin] listen on the same address"], "{public} {private}");
    }
    for (public, private) in
        [("127.0.0.1:80", "127.0.0.2:80"), ("0.0.0.0:80", "0.0.0.0:81"), ("0.0.0.0:80", "[::1]:80")]
    {
        assert!(parse("a.toml", listen(public, private).as_bytes()).is_ok(), "{public} {private}");
    }
}

#[test]
fn a_limit_of_nothing_is_not_without_a_limit() {
    for (key, never) in [
        ("max_actions_per_sweep", "nothing is ever done"),
        ("max_closes_per_hour", "nothing is ever closed"),
        ("max_messages_per_hour", "no text is ever sent, nor a close that has one"),
        ("max_auto_closes", "nothing is ever closed"),
    ] {
        let [told] = doubts(&format!("[safety]\n{key} = 0")).try_into().unwrap();
        assert_eq!(told.split(" | ").next(), Some(format!("2: with {key} = 0 {never}").as_str()));
        assert!(told.contains("| 0 is none, not as many as there are: "), "{told}");
    }
}

#[test]
fn a_text_that_the_rule_has_said_already_is_passed_over() {
    let step = |after: u32, kind: &str, rest: &str| {
        format!("[[rule.step]]\nafter = \"{after} days\"\ndo = \"{kind}\"\nbody = \"Hello?\"\n{rest}\n")
    };
    let steps = [step(1, "reply", ""), step(2, "note", ""), step(3, "reply", ""), step(4, "note", "")].concat();
    let help = "use other words, or leave the step out: a text goes out once in a silence";
    assert_eq!(
        doubts(&rule("match_all = true", &steps)),
        [
            format!("17: an earlier reply of this rule has the same words, so this one is passed over | {help}"),
            format!("22: an earlier note of this rule has the same words, so this one is passed over | {help}"),
        ]
    );
    // One of the two goes out, whatever the channel.
    let steps = [step(1, "reply", "channels = \"email\""), step(2, "reply", "channels = \"conversation\"")].concat();
    assert_eq!(doubts(&rule("match_all = true", &steps)), [""; 0]);
    let steps = [step(1, "reply", ""), step(2, "close", "")].concat();
    assert_eq!(doubts(&rule("match_all = true", &steps)), [""; 0]);
}

#[test]
fn a_rule_for_what_is_never_touched_is_doubted() {
    let never = "no rule touches a conversation with the tag \"autoclose-hold\"";
    let help = "take the tag out of hold_tags under [safety], or use another one here";
    for condition in ["match.tags = \"autoclose-hold\"", "match.all_tags = [\"a\", \"autoclose-hold\"]"] {
        assert_eq!(doubts(&rule(condition, CLOSE)), [format!("3: {never}, so this one never does | {help}")]);
        assert_eq!(doubts(&rule(condition, "leave = true")), [""; 0]);
    }
    assert_eq!(doubts(&rule("match.tags = [\"a\", \"autoclose-hold\"]", CLOSE)), [""; 0]);
    let untag = "[[rule.step]]\nafter = \"1 day\"\ndo = \"untag\"\ntags = [\"a\", \"autoclose-hold\"]\n";
    assert_eq!(
        doubts(&rule("match_all = true", untag)),
        [format!("7: {never}, so this step never takes it off | {help}")]
    );
}

#[test]
fn a_close_that_is_never_due_is_doubted() {
    let told = "4: this rule never closes: the contact has spoken after all that it counts from | add \"contact_reply\" to counts_from";
    for condition in
        ["match.waiting_on = \"teammate\"", "match.last_speaker = \"contact\"\nmatch.waiting_on = \"anyone\""]
    {
        let found = doubts(&rule(&format!("{condition}\ncounts_from = \"teammate_reply\""), CLOSE));
        assert_eq!(found.len(), 1, "{condition}");
        assert_eq!(found[0].split_once(':').unwrap().1, told.split_once(':').unwrap().1);
        let fine = rule(&format!("{condition}\ncounts_from = [\"teammate_reply\", \"contact_reply\"]"), CLOSE);
        assert_eq!(doubts(&fine), [""; 0]);
    }
    let note = "[[rule.step]]\nafter = \"1 day\"\ndo = \"note\"\nbody = \"Hello?\"\n";
    let fine = rule("match.waiting_on = \"teammate\"\ncounts_from = \"teammate_reply\"", note);
    assert_eq!(doubts(&fine), [""; 0]);
}

#[test]
fn what_other_programs_write_is_told_what_to_write_here() {
    let help = |line: &str| {
        let found = parse("a.toml", line.as_bytes()).expect_err(line);
        found.errors[0].help.clone()
    };
    let quotes = "put the text in straight double quotes: \"; those here are for printed text";
    assert_eq!(help("mode = \u{201c}live\u{201d}"), quotes);
    assert_eq!(help("mode = \u{201e}live\u{201c}"), quotes);
    assert_eq!(help(&rule("match_all = True", CLOSE)), "write true or false, in small letters");
    assert_eq!(help(&rule("match.team = 5", CLOSE)), "write for example team = [\"Support\"]");
    assert_eq!(help(&rule("match.assignee = 5", CLOSE)), "write for example assignee = [\"5\"]");
    let body = |text: &str| {
        rule(
            "match_all = true",
            &format!("[[rule.step]]\nafter = \"1 day\"\ndo = \"reply\"\nbody = \"{text}\"\n{CLOSE}"),
        )
    };
    for (text, meant) in [("{{ first_name }}", "contact.first_name"), ("{{ contact.firstname }}", "contact.first_name")]
    {
        assert!(help(&body(text)).starts_with(&format!("did you mean `{meant}`? the variables are rule, ")), "{text}");
    }
}
