//! An hour of mixed life.
