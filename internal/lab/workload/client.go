package workload

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"
)

// Client makes the documented requests to one server, with less processor time than
// [http.Client]: programs that measure share the processors with the server.
type Client struct{ host *fasthttp.HostClient }

// NewClient returns a client that keeps at most so many connections to an address.
func NewClient(address string, connections int) *Client {
	return &Client{&fasthttp.HostClient{
		Addr: address, MaxConns: connections, MaxIdleConnDuration: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
	}}
}

// Post is [PostFrom] for a path on the server.
func (c *Client) Post(path string, from Origin, fields map[string]string) (answer Answer, err error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return Answer{}, err
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(http.MethodPost)
	req.SetRequestURI("http://" + c.host.Addr + path)
	for name, value := range from.headers() {
		req.Header.Set(name, value)
	}
	req.SetBodyRaw(body)
	if err := c.host.Do(req, resp); err != nil {
		return Answer{}, err
	}
	answer.read(resp.StatusCode(), resp.Body())
	return answer, nil
}
