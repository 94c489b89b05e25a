//! What a naive implementation gets wrong about Intercom: 34 traps, each with a test of its own, in the order of the
//! list that they come from.
//!
//! 1 to 8: `receiving`. 9 to 18: `reading`. 19 to 26: `acting`. 27 to 34: `running`.

mod acting;
mod reading;
mod receiving;
mod running;

const FILES: [&str; 4] = [
    include_str!("traps/receiving.rs"),
    include_str!("traps/reading.rs"),
    include_str!("traps/acting.rs"),
    include_str!("traps/running.rs"),
];

/// The tests with the numbers of their traps, as they stand in the files.
fn listed() -> Vec<String> {
    let mut listed = Vec::new();
    for file in FILES {
        let mut number = None;
        for line in file.lines() {
            if let Some(trap) = line.strip_prefix("// Trap ") {
                number = Some(trap.to_owned());
            } else if let Some((before, name)) = line.split_once("fn ") {
                let name = name.split('(').next().unwrap_or_default();
                let trap = number.take().filter(|_| ["", "async "].contains(&before));
                listed.extend(trap.map(|trap| format!("{trap:>2} {name}")));
            }
        }
    }
    listed
}

#[test]
fn every_trap_has_its_test() {
    let numbers: Vec<_> = listed().iter().map(|line| line[..2].trim().parse::<u32>().unwrap()).collect();
    assert_eq!(numbers, (1..=34).collect::<Vec<_>>());
    insta::assert_snapshot!(listed().join("\n"), @r"
     1 the_signature_is_over_the_bytes_as_they_came
     2 the_key_is_the_client_secret_and_the_digest_sha1
     3 intercom_s_unsigned_check_of_the_address_is_answered_200
     4 a_notification_is_answered_although_intercom_answers_nothing
     5 what_was_never_told_is_found_by_looking
     6 whatever_intercom_signs_is_answered_200
     7 a_repeated_object_id_is_another_event
     8 a_notification_need_not_have_the_ids_that_others_have
     9 a_conversation_that_is_open_may_be_snoozed
    10 what_moves_updated_at_moves_no_timer
    11 machines_and_readers_answer_nobody
    12 a_reply_is_a_reply_whatever_the_type_of_its_part
    13 the_parts_of_a_notification_are_not_the_thread
    14 an_old_part_that_is_told_anew_is_as_old_as_it_was
    15 statistics_are_text_numbers_or_nothing
    16 ids_are_text_or_numbers_and_nobody_has_four_names
    17 a_snooze_that_runs_out_is_noticed_without_a_word_from_intercom
    18 a_week_snoozed_counts_from_its_beginning_and_anew_when_snoozed_again
    19 a_word_on_a_snooze_does_not_end_it_and_what_is_closed_is_not_assigned
    20 the_end_of_a_snooze_is_sent_in_seconds
    21 a_goodbye_whose_answer_was_lost_is_looked_for_and_not_said_again
    22 it_is_read_right_before_the_close_and_a_later_reply_is_no_error
    23 a_last_word_goes_out_only_where_it_was_meant_to
    24 tickets_campaigns_and_other_workspaces_are_left_alone
    25 its_own_closes_are_nobody_s_activity_and_never_go_round_in_circles
    26 years_of_backlog_are_rehearsed_by_default_and_closed_in_measured_doses
    27 a_spent_window_of_ten_seconds_stops_every_request_until_it_is_over
    28 an_admin_who_left_or_has_no_seat_stops_acting_and_is_told
    29 a_token_of_another_region_is_no_token_of_ours
    30 the_next_page_is_a_cursor_and_an_address_in_its_place_ends_the_look
    31 a_clock_that_is_wrong_neither_hastens_nor_acts_unseen
    32 closing_is_a_part_and_not_an_update
    33 a_close_without_a_word_must_be_asked_for
    34 the_shape_may_change_between_two_notifications
    ");
}
