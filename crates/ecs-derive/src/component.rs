//! The expansion of `#[derive(Component)]`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Error, GenericParam, LitStr, Path, parse_quote};

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
}

impl Attributes {
    fn read(input: &DeriveInput) -> Result<Self, Error> {
        let mut attributes =
            Self { krate: parse_quote!(::ecs::__core), name: None, codec: Codec::Persistent };
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
                } else if meta.path.is_ident("name") {
                    attributes.name = Some(meta.value()?.parse()?);
                    Ok(())
                } else if meta.path.is_ident("crate") {
                    attributes.krate = meta.value()?.call(Path::parse_mod_style)?;
                    Ok(())
                } else {
                    Err(meta.error(
                        "unknown key: `name = \"…\"`, `pod`, `transient` and `crate = …` are known",
                    ))
                }
            })?;
        }
        Ok(attributes)
    }
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Attributes { krate, name, codec } = Attributes::read(input)?;
    if let Some(lifetime) = input.generics.lifetimes().next() {
        return Err(Error::new_spanned(
            lifetime,
            "a component owns its data: it can't have lifetime parameters",
        ));
    }
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    let is_generic = !generics.params.is_empty();
    let base = match &name {
        Some(name) => quote!(#name),
        None => quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#ident))),
    };
    if is_generic {
        let types: Vec<_> =
            generics.type_params().map(|parameter| parameter.ident.clone()).collect();
        let bounds = generics.make_where_clause();
        for parameter in types {
            bounds.predicates.push(
                parse_quote!(#parameter: ::core::marker::Send + ::core::marker::Sync + 'static),
            );
        }
        match codec {
            Codec::Persistent => {
                bounds.predicates.push(parse_quote!(Self: #krate::derive_support::Persistent))
            }
            Codec::Pod => bounds.predicates.push(parse_quote!(Self: #krate::derive_support::Pod)),
            Codec::Transient => {}
        }
    }
    let full_name = if is_generic { generic_name(&generics, &base) } else { base };
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
    // Spanned at the type, so that a missing `Serialize` is reported there.
    let describe = match codec {
        Codec::Persistent => {
            quote_spanned!(ident.span() => #krate::Description::<Self>::persistent)
        }
        Codec::Pod => quote_spanned!(ident.span() => #krate::Description::<Self>::pod),
        Codec::Transient => quote!(#krate::Description::<Self>::transient),
    };
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    Ok(quote! {
        impl #impl_generics #krate::Component for #ident #type_generics #bounds {
            fn describe() -> #krate::Description<Self> {
                #[allow(unused_imports)]
                use #krate::derive_support::probe::{Cannot as _, Probe};
                let probe = Probe::<Self>::default();
                #describe(#full_name).with_abilities(probe.can_clone(), probe.can_print())
            }

            #cell
        }
    })
}

/// Writes `base<arguments>`, the arguments being known only at run time.
fn generic_name(generics: &syn::Generics, base: &TokenStream) -> TokenStream {
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
