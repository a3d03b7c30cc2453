//! What every storage backend must pass.
//!
//! - [`conformance!`] makes a test of every claim that the contract makes, named
//!   by the claim; [`run_all`] runs them by a call.
//! - [`differential`] runs random sequences of every operation on two backends,
//!   compares after each, and shrinks a failure to a minimal sequence.
//! - [`fuzz`] has bodies of fuzz targets, which any bytes drive.
//! - [`check_invariants`] looks at one store from every side.
//! - [`Faulty`] fails at the n-th call, for the paths that errors take; [`Steps`]
//!   is a store with nothing but what a backend must write; [`forward_storage!`]
//!   writes further wrappers.
#![forbid(unsafe_code)]

pub mod claims;
pub mod components;
pub mod differential;
mod faulty;
mod forward;
pub mod fuzz;
mod invariants;
mod steps;

use ecs_storage_api::Storage;

pub use faulty::Faulty;
pub use invariants::check_invariants;
pub use steps::Steps;

#[doc(hidden)]
pub use ecs_storage_api as __api;

/// Makes an empty store of shard 0.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn Storage>;

/// Calls a macro with every theme and its claims.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_claim {
    ($callback:ident $($arguments:tt)*) => {
        $crate::$callback! { $($arguments)*
            specification {
                the_first_entity_is_0_1_0
                a_recycled_index_has_the_next_generation
                a_destroyed_entity_is_gone_with_its_components
                every_living_entity_is_listed
                a_component_is_read_back
                setting_a_component_adds_or_updates_it
                removing_a_component_says_whether_it_was_there
                an_entity_has_the_components_it_was_given
                the_components_of_an_entity_are_listed
                a_query_finds_entities_with_all_components
                a_query_for_one_component_finds_it
                updates_are_applied_in_one_call
                a_snapshot_restores_the_state
                the_async_variants_do_the_same
                an_allocator_recycles_with_the_next_generation
                shards_give_ids_that_never_meet
            }
            lifecycle {
                destroying_keeps_the_others
                dead_ids_are_refused_everywhere
                a_batch_is_destroyed_wholly_or_not_at_all
                clearing_ends_everything_and_no_id_returns
                reserved_ids_are_not_alive_until_adopted
                ids_of_this_shard_are_adopted_only_if_reserved
                foreign_ids_are_adopted_where_the_capability_says_so
                ids_come_in_the_order_of_the_allocator
            }
            components {
                bundles_are_added_in_one_step
                a_bundle_that_holds_a_component_twice_is_refused
                a_batch_makes_an_entity_a_row
                replaced_values_are_given_back
                removals_count_what_was_there
                zero_sized_components_are_present_or_absent
                alignment_is_kept
                components_without_a_type_are_stored
                generic_components_do_not_mix
                several_values_are_changed_at_once
            }
            many {
                each_entity_gets_the_bundle_of_its_place
                whole_archetypes_come_and_go
                lists_in_any_order_leave_the_others_as_they_are
                scattered_lists_do_as_one_by_one
                refused_lists_change_nothing
                as_many_bundles_are_taken_as_there_are_entities
                an_exchange_is_a_removal_and_an_insertion
                helpers_change_nothing_but_the_time
                a_panic_is_before_all_or_after_all
                what_throws_again_when_it_is_dropped_ends_nothing_early
                columns_become_entities
            }
            queries {
                filters_keep_what_they_say
                optional_terms_do_not_narrow
                nested_terms_give_nested_items
                changes_through_a_query_are_kept
                a_query_is_asked_by_entity
                a_view_finds_what_its_query_finds
                a_view_finds_many_as_it_finds_one
                a_view_finds_who_is_elsewhere_among_many
                a_view_is_made_anew_after_each_change
                a_single_match_is_told_from_none_and_several
                prepared_queries_follow_new_entities
                a_cache_gives_what_a_new_query_gives
                dynamic_queries_see_what_typed_ones_see
                chunks_have_a_value_for_each_entity
                long_chunks_interleaved_have_every_row_once
                a_component_borrowed_twice_is_refused_in_every_form
                several_queries_are_gathered_if_they_do_not_conflict
                iterators_agree_however_they_are_driven
            }
            capabilities {
                chunks_are_as_long_as_is_said
                a_directory_is_lent_if_parallel_access_is_said
                batches_are_as_atomic_as_is_said
            }
            changes {
                what_comes_is_told
                what_is_lent_for_writing_is_told
                what_goes_is_told
                removals_are_remembered_until_they_are_forgotten
                a_query_remembers_when_it_was_used
                filters_on_changes_hold_in_every_form
                terms_with_ticks_know_and_mark
                a_piece_without_rows_is_no_change
                changes_of_others_are_never_missed
                writes_of_queries_to_others_are_never_missed
                asking_for_changes_is_reading
                what_is_written_far_from_the_first_row_is_told
                no_change_is_lost_when_ticks_wrap
                what_is_refused_is_no_change
            }
            batches {
                effects_come_in_their_order
                effects_of_one_kind_come_in_the_order_of_the_calls
                a_panic_in_a_clone_changes_nothing
                a_refused_batch_changes_nothing
                errors_name_their_place
                reserved_ids_become_real_in_a_batch
                an_insert_replaces_and_a_remove_of_nothing_is_nothing
            }
            snapshots {
                a_snapshot_is_exact
                transient_components_stay_out
                damaged_snapshots_are_refused_and_change_nothing
                an_image_that_lists_an_entity_twice_is_refused
                equal_states_have_equal_hashes
                counts_that_lie_are_refused_without_memory
                unknown_components_and_changed_schemas_are_named
                damage_under_right_checksums_is_refused_or_read_whole
                a_snapshot_of_another_shard_brings_its_shard
            }
            drops {
                every_value_is_dropped_once
                a_panic_while_destroying_leaves_the_store_in_order
                a_panic_while_destroying_several_ends_them_all
                a_panic_while_replacing_leaves_the_store_in_order
                a_panic_while_removing_leaves_the_store_in_order
                a_panic_in_a_batch_leaves_it_applied
                a_panic_while_restoring_leaves_what_was_restored
                several_panics_of_values_that_end_together_are_one
                a_panic_while_clearing_leaves_the_store_in_order
                a_batch_that_panics_half_way_keeps_its_finished_rows
                a_batch_that_lies_about_its_length_is_survived
                a_bundle_that_panics_changes_nothing
                a_bundle_that_announces_something_else_changes_nothing
            }
        }
    };
}

/// Makes a module of tests for a backend, one for each claim.
///
/// The argument makes an empty store of shard 0.
///
/// # Example
/// ```
/// ecs_testkit::conformance!(ecs_local::LocalStorage::new(0));
/// ```
#[macro_export]
macro_rules! conformance {
    ($make:expr) => {
        $crate::for_each_claim! { __conformance_tests ($make) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    (($make:expr) $($theme:ident { $($claim:ident)* })*) => {
        $(mod $theme {
            #[allow(unused_imports)]
            use super::*;

            $(#[test]
            fn $claim() {
                $crate::claims::$theme::$claim(&|| ::std::boxed::Box::new($make));
            })*
        })*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run_claims {
    (($make:expr) ($each:expr) $($theme:ident { $($claim:ident)* })*) => {
        $($({
            $each(concat!(stringify!($theme), "::", stringify!($claim)));
            $crate::claims::$theme::$claim($make);
        })*)*
    };
}

/// Runs every claim on a backend, telling the name of each before it runs.
///
/// # Panics
/// At the first claim that does not hold.
pub fn run_all(make: Make<'_>, mut each: impl FnMut(&str)) {
    for_each_claim! { __run_claims (make) (each) }
}
