//! The expansion of `#[derive(SystemParam)]`.

use proc_macro2::{Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    Data, DeriveInput, Error, Field, GenericParam, Index, Lifetime, Path, Type, WherePredicate,
    parse_quote,
};

use crate::refusal;

// struct Physics<'w, T: Resource> { bodies: Query<'w, &'static Place>, rules: Res<'w, T> }
//
// const _: () = {
//     pub struct __PhysicsState<T: Resource>(
//         <Query<'static, &'static Place> as SystemParam>::State,
//         <Res<'static, T> as SystemParam>::State,
//     );
//     impl<'w, T: Resource> SystemParam for Physics<'w, T> where T: 'static {
//         type State = __PhysicsState<T>;
//         type Item<'run> = Physics<'run, T>;
//         fn get<'run>(state: &'run mut Self::State, context: &mut ParamContext<'run>) -> … {
//             Physics {
//                 bodies: <Query<'static, &'static Place> as SystemParam>::get(&mut state.0, context),
//                 rules: <Res<'static, T> as SystemParam>::get(&mut state.1, context),
//             }
//         }
//         … each other method goes over the fields too
//     }
// };
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream, Error> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(
            &input.ident,
            "a parameter of systems is a struct whose fields are parameters",
        ));
    };
    refusal::inner_attributes(input, "system_param")?;
    let krate = engine(input)?;
    let lifetime = lifetime(input)?;
    for field in &data.fields {
        refuse_field(field, input, lifetime)?;
    }

    let mut generics = input.generics.clone();
    let bounds = generics.type_params().map(|parameter| -> WherePredicate {
        let ident = &parameter.ident;
        parse_quote!(#ident: 'static)
    });
    let bounds: Vec<_> = bounds.collect();
    if !bounds.is_empty() {
        generics.make_where_clause().predicates.extend(bounds);
    }

    // The fields as they are when nothing is borrowed: what is kept between runs
    // belongs to no run.
    let kept = |tokens: TokenStream| with_lifetime(tokens, lifetime, "static");
    let written = |(n, field): (usize, &Field)| {
        Written::new(&kept(field.ty.to_token_stream()), n, field.ty.span(), &krate)
    };
    let fields: Vec<_> = data.fields.iter().enumerate().map(written).collect();
    let each = |part: fn(&Written) -> &TokenStream| fields.iter().map(part);
    let (states, inits, prepares) = (each(|f| &f.state), each(|f| &f.init), each(|f| &f.prepare));
    let (gets, take_commands) = (each(|f| &f.get), each(|f| &f.take_commands));
    let members = data.fields.members();

    let ident = &input.ident;
    let state = format_ident!("__{ident}State");
    let mut owned = generics.clone();
    owned.params = (owned.params.into_iter())
        .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
        .collect();
    let (declared, owned_arguments, owned_bounds) = owned.split_for_impl();
    // The parameters without defaults, as in an impl: in front of a struct's
    // fields they mean the same.
    let declared = kept(declared.to_token_stream());
    let owned_bounds = kept(owned_bounds.to_token_stream());
    let (impl_generics, type_generics, bounds) = generics.split_for_impl();
    let item = with_lifetime(type_generics.to_token_stream(), lifetime, "__run");
    let message = format!("What [`{ident}`] keeps between the runs of a system.");

    Ok(quote! {
        const _: () = {
            // A type of its own: its fields may hold types that `Self` does not show.
            #[doc = #message]
            #[allow(missing_debug_implementations)]
            pub struct #state #declared (#(#states,)*) #owned_bounds;

            #[automatically_derived]
            impl #impl_generics #krate::SystemParam for #ident #type_generics #bounds {
                type State = #state #owned_arguments;
                type Item<'__run> = #ident #item;

                fn init(
                    _access: &mut #krate::SystemAccess,
                ) -> ::core::result::Result<Self::State, #krate::SystemError> {
                    ::core::result::Result::Ok(#state(#(#inits,)*))
                }

                fn prepare(_state: &mut Self::State, _resources: &mut #krate::Resources) {
                    #(#prepares;)*
                }

                #[inline]
                fn get<'__run>(
                    _state: &'__run mut Self::State,
                    _context: &mut #krate::ParamContext<'__run>,
                ) -> Self::Item<'__run> {
                    #ident { #(#members: #gets,)* }
                }

                #[inline]
                fn take_commands(_state: &mut Self::State, _queue: &mut #krate::CommandQueue) {
                    #(#take_commands;)*
                }
            }
        };
    })
}

/// What is written of a field in each method.
struct Written {
    state: TokenStream,
    init: TokenStream,
    prepare: TokenStream,
    get: TokenStream,
    take_commands: TokenStream,
}

impl Written {
    /// Writes all of it placed at the field, where the compiler then reports what
    /// is no parameter.
    fn new(field: &TokenStream, n: usize, place: Span, krate: &Path) -> Self {
        let place = Span::call_site().located_at(place);
        let n = Index { index: n as u32, span: place };
        let write = |rest| quote_spanned!(place=> <#field as #krate::SystemParam>::#rest);
        let init = write(quote_spanned!(place=> init(_access)));
        Self {
            state: write(quote_spanned!(place=> State)),
            init: quote_spanned! {place=>
                match #init {
                    ::core::result::Result::Ok(state) => state,
                    ::core::result::Result::Err(error) => {
                        return ::core::result::Result::Err(error);
                    }
                }
            },
            prepare: write(quote_spanned!(place=> prepare(&mut _state.#n, _resources))),
            get: write(quote_spanned!(place=> get(&mut _state.#n, _context))),
            take_commands: write(quote_spanned!(place=> take_commands(&mut _state.#n, _queue))),
        }
    }
}

/// Returns where the engine is found.
fn engine(input: &DeriveInput) -> Result<Path, Error> {
    let mut krate: Path = parse_quote!(::ecs);
    for attribute in
        input.attrs.iter().filter(|attribute| attribute.path().is_ident("system_param"))
    {
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

/// Returns the lifetime of the struct, if it has one.
fn lifetime(input: &DeriveInput) -> Result<Option<&Lifetime>, Error> {
    let mut lifetimes = input.generics.lifetimes();
    let first = lifetimes.next();
    match lifetimes.next() {
        Some(second) => Err(Error::new_spanned(
            second,
            "a parameter of systems has one lifetime: that of a run, for which everything is lent",
        )),
        None => Ok(first.map(|parameter| &parameter.lifetime)),
    }
}

/// Refuses fields that can't be parameters, where the compiler would complain
/// about what the macro writes.
fn refuse_field(
    field: &Field,
    input: &DeriveInput,
    lifetime: Option<&Lifetime>,
) -> Result<(), Error> {
    if let Type::Path(path) = &field.ty
        && let Some(ident) = path.path.get_ident()
        && input.generics.type_params().any(|parameter| parameter.ident == *ident)
    {
        return Err(Error::new_spanned(
            &field.ty,
            format!(
                "`{ident}` can't be a parameter by itself, since what is lent has another type in \
                 each run: make `{ident}` what is borrowed, as in `Res<'w, {ident}>` or \
                 `Query<'w, {ident}>`"
            ),
        ));
    }
    match lifetime.and_then(|lifetime| borrow(field.ty.to_token_stream(), lifetime)) {
        Some(borrow) => Err(Error::new_spanned(
            borrow,
            "in a struct a query names components by `&'static C` and `&'static mut C`; only the \
             parameter itself has the struct's lifetime",
        )),
        None => Ok(()),
    }
}

/// Finds `&'w`.
fn borrow(tokens: TokenStream, lifetime: &Lifetime) -> Option<TokenStream> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let here = tokens.windows(3).find(|three| match three {
        [TokenTree::Punct(and), TokenTree::Punct(tick), TokenTree::Ident(name)] => {
            and.as_char() == '&' && tick.as_char() == '\'' && *name == lifetime.ident
        }
        _ => false,
    });
    let inside = || {
        tokens.iter().find_map(|token| match token {
            TokenTree::Group(group) => borrow(group.stream(), lifetime),
            _ => None,
        })
    };
    here.map(|three| three.iter().cloned().collect()).or_else(inside)
}

/// Writes another lifetime wherever the struct's stands.
fn with_lifetime(tokens: TokenStream, lifetime: Option<&Lifetime>, name: &str) -> TokenStream {
    let Some(lifetime) = lifetime else { return tokens };
    let mut written = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match (token, tokens.peek()) {
            (TokenTree::Punct(tick), Some(TokenTree::Ident(ident)))
                if tick.as_char() == '\'' && *ident == lifetime.ident =>
            {
                let mut joint = Punct::new('\'', Spacing::Joint);
                joint.set_span(tick.span());
                written.push(TokenTree::from(joint));
                written.push(TokenTree::from(Ident::new(name, ident.span())));
                tokens.next();
            }
            (TokenTree::Group(group), _) => {
                let inside = with_lifetime(group.stream(), Some(lifetime), name);
                let mut other = Group::new(group.delimiter(), inside);
                other.set_span(group.span());
                written.push(TokenTree::from(other));
            }
            (token, _) => written.push(token),
        }
    }
    written.into_iter().collect()
}
