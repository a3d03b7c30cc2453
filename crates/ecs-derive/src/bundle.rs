//! The expansion of `#[derive(Bundle)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Path, WherePredicate, parse_quote};

use crate::refusal;

// struct Mover<T> { place: Place, more: T }
//
// impl<T> Bundle for Mover<T>
// where
//     Self: 'static,
//     Place: Bundle,
//     T: Bundle,
// {
//     const COMPONENTS: ComponentList =
//         ComponentList::EMPTY.and(<Place as Bundle>::COMPONENTS).and(<T as Bundle>::COMPONENTS);
//     fn put_all(self, _sink) {
//         <Place as Bundle>::put_all(self.place, _sink);
//         <T as Bundle>::put_all(self.more, _sink);
//     }
// }
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "a bundle is a struct whose fields are components or bundles",
        ));
    };
    refusal::lifetimes(input, "bundle")?;
    refusal::inner_attributes(input, "bundle")?;
    let krate = engine(input)?;
    let types: Vec<_> = data.fields.iter().map(|field| &field.ty).collect();
    let members: Vec<_> = data.fields.members().collect();
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        let bounds = &mut generics.make_where_clause().predicates;
        bounds.push(parse_quote!(Self: 'static));
        bounds.extend(
            types.iter().map(|field| -> WherePredicate { parse_quote!(#field: #krate::Bundle) }),
        );
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Bundle for #ident #type_generics #bounds {
            const COMPONENTS: #krate::ComponentList =
                #krate::ComponentList::EMPTY #(.and(<#types as #krate::Bundle>::COMPONENTS))*;

            // Always: a bundle that is not inlined is copied at every level.
            #[inline(always)]
            fn put_all(self, _sink: &mut impl #krate::ComponentSink) {
                #(<#types as #krate::Bundle>::put_all(self.#members, _sink);)*
            }
        }
    })
}

/// Returns where the engine is found.
fn engine(input: &DeriveInput) -> Result<Path, Error> {
    let mut krate: Path = parse_quote!(::ecs::__core);
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("bundle")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                krate = meta.value()?.call(Path::parse_mod_style)?;
                Ok(())
            } else {
                Err(meta.error("unknown key: `crate = …` is known"))
            }
        })?;
    }
    Ok(krate)
}
