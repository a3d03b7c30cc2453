//! Benchmarks beside other engines.
