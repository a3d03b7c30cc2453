//! Conformance suite and differential driver for storage backends.
