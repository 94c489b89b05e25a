//! `autoclosed` closes Intercom conversations that have gone quiet, by the operator's rules.

pub mod clock;
pub mod engine;
pub mod intercom;
