//! The contract between worlds and storage backends.
