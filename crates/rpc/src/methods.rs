//! The table of methods: names, and functions from [`Api`] and parameters to a result.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;
use serde::Serialize;

use crate::api::{Api, Turns};
use crate::args::{FromArgs, parse};
use crate::connection::Connection;
use crate::error::{RpcError, RpcResult};

pub(crate) type RegisterError = RegisterMethodError;

type Answer<T> = Result<T, ErrorObjectOwned>;

/// Most bytes of parameters that are read on the connection's thread to see whether a call is short.
const MAX_SHORT_PARAMS_SIZE_BYTES: usize = 16 * 1024;

/// The table of methods while it is made.
pub(crate) struct MethodTable {
    pub(crate) module: RpcModule<Arc<Api>>,
}

impl MethodTable {
    pub(crate) fn new(api: Arc<Api>) -> Self {
        Self { module: RpcModule::new(api) }
    }

    /// A method that answers from memory, or reads a few keys of the store, at once.
    pub(crate) fn inline<A, T>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> RpcResult<T>,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + 'static,
        T: Serialize + Clone + 'static,
    {
        self.module.register_method(name, move |params, api, _| -> Answer<T> {
            let args = parse(&params).map_err(RpcError::from)?;
            Ok(method(api, args)?)
        })?;
        Ok(())
    }

    /// A method that reads the store or runs the EVM.
    pub(crate) fn blocking<A, T>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> RpcResult<T>,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
    {
        self.in_turn(name, |api| &api.calls, method)
    }

    /// A method that reads the store or runs the EVM, and that is mostly short: `at_once` answers what takes some microseconds,
    /// for which handing the call to another thread and back would take as long again. What it gives nothing for is handed over.
    pub(crate) fn mostly_short<A, T>(
        &mut self,
        name: &'static str,
        at_once: fn(&Api, &A) -> Option<RpcResult<T>>,
        method: fn(&Api, A) -> RpcResult<T>,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
    {
        self.module.register_async_method(name, move |params, api, _| async move {
            let worker = Arc::clone(&api);
            if params.len_bytes() > MAX_SHORT_PARAMS_SIZE_BYTES {
                return Answer::<T>::Ok(api.calls.run(move || method(&worker, parse(&params)?)).await?);
            }
            let args = parse(&params).map_err(RpcError::from)?;
            match at_once(&api, &args) {
                Some(answer) => Ok(answer?),
                None => Ok(api.calls.run(move || method(&worker, args)).await?),
            }
        })?;
        Ok(())
    }

    /// A method that traces.
    pub(crate) fn tracing<A, T>(
        &mut self,
        name: &'static str,
        method: fn(&Api, A) -> RpcResult<T>,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
    {
        self.in_turn(name, |api| &api.traces, method)
    }

    fn in_turn<A, T>(
        &mut self,
        name: &'static str,
        turns: fn(&Api) -> &Turns,
        method: fn(&Api, A) -> RpcResult<T>,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
    {
        self.module.register_async_method(name, move |params, api, _| async move {
            let worker = Arc::clone(&api);
            let run = turns(&api).run(move || method(&worker, parse(&params)?)).await;
            Answer::<T>::Ok(run?)
        })?;
        Ok(())
    }

    /// A method that waits for others.
    pub(crate) fn asynchronous<A, T, Run>(
        &mut self,
        name: &'static str,
        method: impl Fn(Arc<Api>, A) -> Run + Clone + Send + Sync + 'static,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
        Run: Future<Output = RpcResult<T>> + Send + 'static,
    {
        self.module.register_async_method(name, move |params, api, _| {
            let run = parse(&params).map(|args| method(Arc::clone(&api), args));
            async move { Answer::<T>::Ok(run.map_err(RpcError::from)?.await?) }
        })?;
        Ok(())
    }

    /// A method that waits for others, and that is counted by connection.
    pub(crate) fn counted<A, T, Run>(
        &mut self,
        name: &'static str,
        method: impl Fn(Arc<Api>, Arc<Connection>, A) -> Run + Clone + Send + Sync + 'static,
    ) -> Result<(), RegisterError>
    where
        A: FromArgs + Send + 'static,
        T: Serialize + Clone + Send + 'static,
        Run: Future<Output = RpcResult<T>> + Send + 'static,
    {
        self.module.register_async_method(name, move |params, api, extensions| {
            let unknown = || RpcError::Unfinished { reason: "its connection is not known".to_owned() };
            let connection = extensions.get::<Arc<Connection>>().cloned().ok_or_else(unknown);
            let args = parse(&params).map_err(RpcError::from);
            let run = connection.and_then(|connection| Ok(method(Arc::clone(&api), connection, args?)));
            async move { Answer::<T>::Ok(run?.await?) }
        })?;
        Ok(())
    }
}
