//! The expansion of `#[derive(Component)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    DeriveInput, Error, GenericParam, Generics, LitStr, Path, TypeParam, WherePredicate,
    parse_quote,
};

use crate::refusal;
use crate::schema::{self, By};

/// How values are persisted.
#[derive(Clone, Copy, PartialEq)]
enum Codec {
    Persistent,
    Pod,
    Transient,
}

/// What `#[component(…)]` says.
struct Attributes {
    krate: Path,
    name: Option<LitStr>,
    codec: Codec,
    track: bool,
}

impl Attributes {
    fn read(input: &DeriveInput) -> Result<Self, Error> {
        let mut attributes = Self {
            krate: parse_quote!(::ecs::__core),
            name: None,
            codec: Codec::Persistent,
            track: false,
        };
        for attribute in
            input.attrs.iter().filter(|attribute| attribute.path().is_ident("component"))
        {
            attribute.parse_nested_meta(|meta| {
                let mut set = |codec| match attributes.codec {
                    Codec::Persistent => {
                        attributes.codec = codec;
                        Ok(())
                    }
                    _ => Err(meta
                        .error("a component is persisted in one way: `pod` or `transient`, once")),
                };
                if meta.path.is_ident("pod") {
                    set(Codec::Pod)
                } else if meta.path.is_ident("transient") {
                    set(Codec::Transient)
                } else if meta.path.is_ident("track") {
                    attributes.track = true;
                    Ok(())
                } else if meta.path.is_ident("name") {
                    let name: LitStr = meta.value()?.parse()?;
                    if name.value().is_empty() {
                        return Err(Error::new_spanned(name, "a component's name can't be empty"));
                    }
                    match attributes.name.replace(name) {
                        Some(_) => Err(meta.error("a component has one name")),
                        None => Ok(()),
                    }
                } else if meta.path.is_ident("crate") {
                    attributes.krate = meta.value()?.call(Path::parse_mod_style)?;
                    Ok(())
                } else {
                    Err(meta.error(
                        "unknown key: `name = \"…\"`, `pod`, `transient`, `track` and `crate = …` are known",
                    ))
                }
            })?;
        }
        Ok(attributes)
    }
}

// #[component(name = "demo::Name")]
// struct Name(String);
//
// impl Component for Name {
//     fn describe() -> Description<Self> {
//         use probe::Cannot as _;
//         let probe = Probe::<Self>::default();
//         derive_support::persistent::<Self>("demo::Name")
//             .with_abilities(probe.can_clone(), probe.can_print())
//             .with_schema()
//     }
//     fn cell() -> Option<&'static ComponentCell<Self>> {
//         static CELL: ComponentCell<Name> = ComponentCell::new();
//         Some(&CELL)
//     }
// }
//
// impl HasSchema for Name { … }, as in `schema.rs`
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    refusal::lifetimes(input, "component")?;
    refusal::inner_attributes(input, "component")?;
    let Attributes { krate, name, codec, track } = Attributes::read(input)?;
    if codec == Codec::Persistent {
        refusal::unreadable(input)?;
    }
    let ident = &input.ident;
    let is_generic = !input.generics.params.is_empty();
    let base = match &name {
        Some(name) => quote!(#name),
        None => quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#ident))),
    };
    let full_name = if is_generic { generic_name(&input.generics, &base) } else { base };
    // A `static` inside a generic function is one for all instances, so generic
    // components go without a cell.
    let cell = (!is_generic).then(|| {
        quote! {
            #[inline]
            fn cell() -> ::core::option::Option<&'static #krate::ComponentCell<Self>> {
                static CELL: #krate::ComponentCell<#ident> = #krate::ComponentCell::new();
                ::core::option::Option::Some(&CELL)
            }
        }
    });
    let track = track.then(|| {
        quote!(
            const TRACK: bool = true;
        )
    });
    let by = match codec {
        Codec::Pod => By::Bytes,
        Codec::Persistent | Codec::Transient => By::Serde,
    };
    // No bound: a field of the type of a parameter is described where the type's
    // own bounds say that it can be.
    let schema = schema::implementation(input, &krate, None, by);
    let describe = constructor(codec, &krate, ident.span());
    let generics = bounded(&input.generics, codec, &krate);
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Component for #ident #type_generics #bounds {
            #track

            fn describe() -> #krate::Description<Self> {
                #[allow(unused_imports)]
                use #krate::derive_support::probe::Cannot as _;
                let probe = #krate::derive_support::probe::Probe::<Self>::default();
                #describe(#full_name)
                    .with_abilities(probe.can_clone(), probe.can_print())
                    .with_schema()
            }

            #cell
        }

        #schema
    })
}

/// Writes the path of the function that makes the description, all of it placed
/// at the type: the compiler reports a missing `Serialize` or `Pod` there.
fn constructor(codec: Codec, krate: &Path, place: Span) -> TokenStream {
    let place = Span::call_site().located_at(place);
    // Only the place changes: a `$crate` still means what it meant.
    let krate: TokenStream = (krate.to_token_stream().into_iter())
        .map(|mut token| {
            token.set_span(token.span().located_at(place));
            token
        })
        .collect();
    match codec {
        Codec::Persistent => quote_spanned!(place=> #krate::derive_support::persistent::<Self>),
        Codec::Pod => quote_spanned!(place=> #krate::derive_support::pod::<Self>),
        Codec::Transient => quote_spanned!(place=> #krate::Description::<Self>::transient),
    }
}

/// Adds what the impl of a generic component has to demand.
fn bounded(generics: &Generics, codec: Codec, krate: &Path) -> Generics {
    let mut bounded = generics.clone();
    if generics.params.is_empty() {
        return bounded;
    }
    let bounds = &mut bounded.make_where_clause().predicates;
    bounds.extend(generics.type_params().map(|TypeParam { ident, .. }| -> WherePredicate {
        parse_quote!(#ident: ::core::marker::Send + ::core::marker::Sync + 'static)
    }));
    // On `Self`, not on each parameter: only serde knows which of them it needs.
    match codec {
        Codec::Persistent => bounds.push(parse_quote!(Self: #krate::derive_support::Persistent)),
        Codec::Pod => bounds.push(parse_quote!(Self: #krate::derive_support::PlainBytes)),
        Codec::Transient => {}
    }
    bounded
}

/// Writes `base<arguments>`, the arguments being known only at run time.
fn generic_name(generics: &Generics, base: &TokenStream) -> TokenStream {
    let arguments = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => {
            let ident = &parameter.ident;
            Some(quote!(::std::string::ToString::to_string(::core::any::type_name::<#ident>())))
        }
        GenericParam::Const(parameter) => {
            let ident = &parameter.ident;
            Some(quote!(::std::string::ToString::to_string(&#ident)))
        }
        GenericParam::Lifetime(_) => None,
    });
    quote!(::std::format!("{}<{}>", #base, [#(#arguments),*].join(", ")))
}
