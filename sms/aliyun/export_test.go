package aliyun

var (
	Authorize      = authorize
	CanonicalQuery = canonicalQuery
)
