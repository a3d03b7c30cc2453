use ecs_derive::Component;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Shared(std::rc::Rc<u8>);

fn main() {}
