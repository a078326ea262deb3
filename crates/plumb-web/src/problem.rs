//! A request that is not done, in the shape that OpenAI's clients read.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer that says what is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    message: String,
    /// The field at fault.
    param: Option<String>,
    code: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), param: None, code }
    }

    /// A field that is wrong.
    pub(crate) fn field(param: &str, message: impl Into<String>) -> Self {
        Self { param: Some(param.to_owned()), ..Self::request(message) }
    }

    /// A field that is understood but not done here.
    pub(crate) fn unsupported(param: &str, message: impl Into<String>) -> Self {
        Self { code: Some("unsupported_parameter"), ..Self::field(param, message) }
    }

    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, None, message)
    }

    pub(crate) fn not_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, message)
    }

    pub(crate) fn no_model(message: String) -> Self {
        let problem = Self::new(StatusCode::NOT_FOUND, Some("model_not_found"), message);
        Self { param: Some("model".to_owned()), ..problem }
    }

    pub(crate) fn no_path(message: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, Some("unknown_url"), message)
    }

    pub(crate) fn method(message: String) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, None, message)
    }

    pub(crate) fn no_token(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, Some("invalid_api_key"), message)
    }

    pub(crate) fn foreign(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, None, message)
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("the request is larger than {limit} bytes; send fewer prompts at once");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Some("request_too_large"), message)
    }

    pub(crate) fn busy(waiting: usize, limit: usize) -> Self {
        let message =
            format!("{waiting} of {limit} places are taken by requests that are not done; try again soon");
        Self::new(StatusCode::TOO_MANY_REQUESTS, Some("queue_full"), message)
    }

    pub(crate) fn late(seconds: f64) -> Self {
        let message = format!("not done within {seconds} s, the server's limit; nothing of it goes on");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Some("timeout"), message)
    }

    pub(crate) fn broken() -> Self {
        let message = "a defect of the engine ended this request; the server's own output says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, None, message)
    }

    /// What the engine says of a request.
    pub(crate) fn engine(error: &plumb_lm::Error) -> Self {
        let message = error.to_string();
        if error.is_too_long() {
            Self::new(StatusCode::BAD_REQUEST, Some("context_length_exceeded"), message)
        } else if error.is_invalid_request() || error.is_unsupported() {
            Self::request(message)
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, None, message)
        }
    }

    /// OpenAI's name for this class of errors.
    fn kind(&self) -> &'static str {
        match self.status {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    /// The body of the answer.
    pub(crate) fn json(&self) -> Value {
        json!({ "error": {
            "message": self.message, "type": self.kind(), "param": self.param, "code": self.code,
        } })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.json())).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
