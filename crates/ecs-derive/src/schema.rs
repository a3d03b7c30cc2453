//! The expansion of `#[derive(HasSchema)]`, which `#[derive(Component)]` writes
//! too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, Generics, Member, Path, TypeParam,
    WherePredicate, parse_quote,
};

use crate::refusal;

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    refusal::lifetimes(input, "type with a schema")?;
    refusal::inner_attributes(input, "schema")?;
    let krate = engine(input)?;
    let bound = parse_quote!(#krate::HasSchema);
    Ok(implementation(input, &krate, Some(&bound), By::Serde))
}

/// By what a type's values are saved.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    /// Or by nothing.
    Serde,
    /// As they lie in memory, whatever serde is told.
    Bytes,
}

// struct Place { x: f32, #[serde(skip)] cache: Cache, name: Name }
//
// impl HasSchema for Place {
//     fn schema(_within: &mut Nesting) -> Schema {
//         use schema_probe::Unknown as _;
//         _within.enter::<Self>("Place", |_within| Schema::Struct(vec![
//             Field::new("x", Probe::<f32>(PhantomData).schema(_within, "f32"))
//                 .at(offset_of!(Self, x)),
//             Field::new("name", Probe::<Name>(PhantomData).schema(_within, "Name"))
//                 .at(offset_of!(Self, name)),
//         ]))
//     }
// }
/// Writes the impl; type parameters get `bound`.
pub(crate) fn implementation(
    input: &DeriveInput,
    krate: &Path,
    bound: Option<&Path>,
    by: By,
) -> TokenStream {
    let ident = &input.ident;
    let name = ident.unraw().to_string();
    let opaque = quote!(#krate::Schema::Opaque(::std::string::String::from(#name)));
    let schema = match &input.data {
        _ if by == By::Serde && is_replaced(input) => opaque,
        Data::Struct(data) => consists_of(&data.fields, krate, by, Place::Known),
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| {
                let name = variant.ident.unraw().to_string();
                let payload = match by == By::Serde && is_otherwise(&variant.attrs) {
                    true => quote!(#krate::Schema::Opaque(::std::string::String::from(#name))),
                    false => consists_of(&variant.fields, krate, by, Place::Unknown),
                };
                quote!(#krate::Variant::new(#name, #payload))
            });
            quote!(#krate::Schema::Enum(::std::vec![#(#variants),*]))
        }
        Data::Union(_) => opaque,
    };
    let generics = bounded(&input.generics, bound);
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #krate::HasSchema for #ident #type_generics #bounds {
            fn schema(_within: &mut #krate::Nesting) -> #krate::Schema {
                #[allow(unused_imports)]
                use #krate::derive_support::schema_probe::Unknown as _;
                _within.enter::<Self>(#name, |_within| #schema)
            }
        }
    }
}

/// Whether `offset_of!` can say where a field lies.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Known,
    Unknown,
}

fn consists_of(fields: &Fields, krate: &Path, by: By, place: Place) -> TokenStream {
    let kind = match fields {
        Fields::Unit => return quote!(#krate::Schema::Unit),
        Fields::Named(_) => quote!(Struct),
        Fields::Unnamed(_) => quote!(Tuple),
    };
    let told = |field| if by == By::Bytes { Told::Nothing } else { told(field) };
    let members = fields.members().zip(fields).map(|(member, field)| (member, field, told(field)));
    let written =
        members.filter(|(_, _, told)| *told != Told::ToSkip).map(|(member, field, told)| {
            let name = match &member {
                Member::Named(name) => name.unraw().to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            let ty = &field.ty;
            let text = text(ty.to_token_stream());
            let at = (place == Place::Known)
                .then(|| quote!(.at(::core::mem::offset_of!(Self, #member))));
            let schema = if told == Told::Otherwise {
                quote!(#krate::Schema::Opaque(::std::string::String::from(#text)))
            } else {
                let probe = quote!(#krate::derive_support::schema_probe::Probe);
                quote!(#probe::<#ty>(::core::marker::PhantomData).schema(_within, #text))
            };
            quote!(#krate::Field::new(#name, #schema) #at)
        });
    quote!(#krate::Schema::#kind(::std::vec![#(#written),*]))
}

/// What serde is told of a field.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Nothing,
    ToSkip,
    /// To write something else than the field, or not always.
    Otherwise,
}

fn told(field: &Field) -> Told {
    if says(&field.attrs, &["skip", "skip_serializing"]) {
        Told::ToSkip
    } else if is_otherwise(&field.attrs) {
        Told::Otherwise
    } else {
        Told::Nothing
    }
}

/// Tells whether serde writes something else than the field or variant has, or not always.
fn is_otherwise(attributes: &[Attribute]) -> bool {
    let otherwise =
        ["with", "serialize_with", "skip_serializing_if", "flatten", "getter", "untagged"];
    says(attributes, &otherwise)
}

fn says(attributes: &[Attribute], known: &[&str]) -> bool {
    serde_keys(attributes).iter().any(|key| known.contains(&key.as_str()))
}

/// Tells whether serde writes something else than the fields.
fn is_replaced(input: &DeriveInput) -> bool {
    says(&input.attrs, &["into", "remote", "tag", "content", "untagged"])
}

/// Returns the keys in `#[serde(…)]`.
pub(crate) fn serde_keys(attributes: &[Attribute]) -> Vec<String> {
    let mut keys = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What is wrong with serde's attributes is for serde to report.
        let _ = attribute.parse_nested_meta(|meta| {
            keys.extend(meta.path.get_ident().map(ToString::to_string));
            if meta.input.peek(syn::Token![=]) {
                meta.value()?.parse::<syn::Expr>()?;
            } else if meta.input.peek(syn::token::Paren) {
                meta.parse_nested_meta(|inner| inner.value()?.parse::<syn::Expr>().map(drop))?;
            }
            Ok(())
        });
    }
    keys
}

/// Writes a type by rules of our own, since `stringify!` gives no promise about
/// spaces.
fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write_text(tokens, &mut text);
    text
}

fn write_text(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    // Around what a macro captured as a type.
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write_text(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(mark) => {
                text.push(mark.as_char());
                if matches!(mark.as_char(), ',' | ';') {
                    text.push(' ');
                }
            }
            word => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

/// Adds what the impl of a generic type has to demand.
fn bounded(generics: &Generics, bound: Option<&Path>) -> Generics {
    let mut bounded = generics.clone();
    if generics.type_params().next().is_some() {
        let bounds = &mut bounded.make_where_clause().predicates;
        bounds.extend(generics.type_params().map(|TypeParam { ident, .. }| -> WherePredicate {
            match bound {
                Some(bound) => parse_quote!(#ident: #bound),
                None => parse_quote!(#ident: 'static),
            }
        }));
    }
    bounded
}

/// Returns where the engine is found.
fn engine(input: &DeriveInput) -> Result<Path, Error> {
    let mut krate: Path = parse_quote!(::ecs::__core);
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("schema")) {
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
