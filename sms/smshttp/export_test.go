package smshttp

import "time"

// Unexported names, for the tests.
var (
	RetryAfter = retryAfter
	Token      = token
)

const (
	MaxRetryAfter time.Duration = maxRetryAfter
	MaxBody                     = maxBody
)
