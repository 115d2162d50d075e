//! The names that code has assigned.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::tokens::Token;
use super::value::Value;

/// All code of a script is one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::drill) struct Variables {
    /// First the names of the program, and then those of each call that is under way and of each block that is only
    /// read, which go with it.
    scopes: Vec<Scope>,
    /// Where the names of the call begin that is under way, or else those of the program.
    own: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Scope {
    values: BTreeMap<String, Value>,
    functions: BTreeMap<String, Rc<Definition>>,
}

/// A function of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) parameters: Vec<String>,
    /// From its `:` on.
    pub(super) body: Vec<Token>,
}

impl Default for Variables {
    fn default() -> Variables {
        Variables {
            scopes: vec![Scope::default()],
            own: 0,
        }
    }
}

impl Variables {
    /// Where a name is looked for: a function sees its own and those of the program, and not those of its caller.
    fn visible(&self) -> impl Iterator<Item = &Scope> {
        let own = self.scopes.iter().skip(self.own).rev();
        own.chain(self.scopes.first())
    }

    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.visible()
            .find_map(|scope| scope.values.get(name).copied())
    }

    pub(super) fn function(&self, name: &str) -> Option<&Rc<Definition>> {
        self.visible().find_map(|scope| scope.functions.get(name))
    }

    pub(super) fn set(&mut self, name: String, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.values.insert(name, value);
        }
    }

    pub(super) fn define(&mut self, name: String, definition: Definition) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.functions.insert(name, Rc::new(definition));
        }
    }

    /// What gets a name from now on is forgotten at [`Variables::end_block`].
    pub(super) fn begin_block(&mut self) {
        self.scopes.push(Scope::default());
    }

    pub(super) fn end_block(&mut self) {
        self.scopes.pop();
    }

    /// A function is called with these values. Returns what [`Variables::end_call`] needs.
    pub(super) fn begin_call(&mut self, values: impl Iterator<Item = (String, Value)>) -> usize {
        let caller = core::mem::replace(&mut self.own, self.scopes.len());
        self.scopes.push(Scope {
            values: values.collect(),
            ..Scope::default()
        });
        caller
    }

    pub(super) fn end_call(&mut self, caller: usize) {
        self.scopes.truncate(self.own);
        self.own = caller;
    }
}
