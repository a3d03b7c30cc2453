//! The password is in no error and no debug form.

use std::error::Error;
use std::time::Duration;

use ecs_postgres::{ConnectError, PostgresOptions};
use ecs_storage_api::{AsyncStorage, UpdateBatch};
use ecs_test_postgres::Proxy;
use pollster::block_on;

use crate::servers;

/// All that an error says, to people and to programmers, down to its first cause.
fn shown(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text += &format!("{error} {error:?} {error:#?}\n");
        next = error.source();
    }
    text
}

#[test]
fn no_error_shows_the_password() {
    let server = servers::safe();
    let secret = "sesame-open-up";
    server.execute(&format!("create role ali login superuser password '{secret}'")).unwrap();
    let url = server.url_of("ali", secret, "postgres");
    let wrong = server.url_of("ali", &format!("{secret}-not"), "postgres");
    let proxy = Proxy::start(&server).unwrap();
    let mut errors: Vec<Box<dyn Error>> = Vec::new();
    let hasty = |url: &str| {
        let options = PostgresOptions::new(url).schema("world").attempts(2);
        options.time_limit(Duration::from_millis(500))
    };

    let error = hasty(&wrong).connect().unwrap_err();
    assert!(matches!(&error, ConnectError::Remote(error) if !error.is_retryable()), "{error}");
    errors.push(Box::new(error));
    errors.push(Box::new(hasty(&url.replace("/postgres", "/nowhere")).connect().unwrap_err()));
    errors.push(Box::new(hasty(&format!("{url}?what={secret}")).connect().unwrap_err()));
    errors.push(Box::new(hasty(&url).schema(format!("\0{}", 1)).connect().unwrap_err()));

    let through = proxy.url(&url).unwrap();
    let store = hasty(&through).connect().unwrap();
    let options = hasty(&through);
    for text in [format!("{options:?} {options:#?}"), format!("{store:?} {store:#?}")] {
        assert!(!text.contains(secret), "{text}");
    }
    let batch = UpdateBatch::new().spawn(());
    // Cut while it signs in, and while it works.
    for bytes in [0, 20, 60, 100, 200, 300, 500, 900] {
        for answers in [false, true] {
            proxy.cut();
            match answers {
                true => proxy.cut_answer_after(bytes),
                false => proxy.cut_after(bytes),
            }
            if let Err(error) = block_on(store.apply_updates_async(&batch, None)) {
                errors.push(Box::new(error));
            }
            proxy.pass_all();
        }
    }
    proxy.refuse(true);
    proxy.cut();
    let error = block_on(store.apply_updates_async(&batch, None)).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    errors.push(Box::new(error));
    server.stop().unwrap();
    let error = block_on(store.version_async()).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    errors.push(Box::new(error));
    let error = hasty(&url).connect().unwrap_err();
    assert!(matches!(&error, ConnectError::Remote(error) if error.is_retryable()), "{error}");
    errors.push(Box::new(error));

    let patience = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = patience.local_addr().unwrap().port();
    let silent = format!("postgresql://ali:{secret}@127.0.0.1:{port}/postgres");
    let error = hasty(&silent).connect().unwrap_err();
    assert!(matches!(&error, ConnectError::Remote(error) if error.is_retryable()), "{error}");
    errors.push(Box::new(error));
    for error in &errors {
        let text = shown(&**error);
        assert!(!text.contains(secret), "{text}");
    }
    assert!(errors.len() >= 8);
}
