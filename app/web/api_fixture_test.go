package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/web"
)

// described is the API's document, with what a test needs to hold exchanges against it.
type described struct {
	document *openapi3.T
	router   routers.Router
}

// describedAt is an address by which the document is looked up, whatever the port of a test's server.
const describedAt = "http://dossier.test" + api.Prefix

var apiDescription = sync.OnceValues(func() (described, error) {
	for _, mediaType := range []string{"application/x-ndjson", "application/zip"} {
		openapi3filter.RegisterBodyDecoder(mediaType, openapi3filter.FileBodyDecoder)
	}
	text, err := web.ServedDocument()
	if err != nil {
		return described{}, err
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return described{}, err
	}
	if err := document.Validate(context.Background()); err != nil {
		return described{}, err
	}
	// A client must bear members that it does not know; the server must have none that are not written down.
	closed := false
	for _, schema := range document.Components.Schemas {
		if len(schema.Value.Properties) > 0 {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	document.Servers = openapi3.Servers{{URL: describedAt}}
	router, err := legacy.NewRouter(document)
	return described{document, router}, err
})

func description(t testing.TB) described {
	t.Helper()
	d, err := apiDescription()
	if err != nil {
		t.Fatalf("the API's document: %v", err)
	}
	return d
}

// call is a request to the API, and what it must be answered.
type call struct {
	name   string
	method string
	path   string // below the API's prefix
	// receipt stands in the Authorization header, if there is one.
	receipt string
	header  http.Header
	// body is sent as it is if it is a string, else as JSON; nil: none.
	body any
	// status defaults to 200. code is that of a problem.
	status int
	code   dossier.Code
	// has stands in the answer.
	has []string
}

// ask sends a call, checks the exchange against the document, and the answer against the call. The answer's JSON goes
// into out, if that is not nil.
func (s *site) ask(c call, out any) answer {
	s.t.Helper()
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.status == 0 {
		c.status = http.StatusOK
	}
	header := http.Header{}
	for name, values := range c.header {
		header[name] = values
	}
	if c.receipt != "" {
		header.Set("Authorization", "Bearer "+c.receipt)
		s.hide(c.receipt)
	}
	var sent []byte
	switch body := c.body.(type) {
	case nil:
	case string:
		sent = []byte(body)
	default:
		var err error
		if sent, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	var body io.Reader
	if c.body != nil {
		body = bytes.NewReader(sent)
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/json")
		}
	}
	a := s.do(c.method, api.Prefix+c.path, header, body)
	what := strings.TrimSpace(c.name + ": " + c.method + " " + c.path)
	if a.status != c.status {
		s.t.Fatalf("%s: got %v\nwant status %d", what, a, c.status)
	}
	if c.method != http.MethodOptions {
		s.mustAgree(what, c.method, c.path, header, sent, a)
	}
	if c.code != "" || a.status >= 400 {
		var p api.Problem
		if err := json.Unmarshal([]byte(a.body), &p); err != nil && c.method != http.MethodHead {
			s.t.Fatalf("%s: %v: %v", what, a, err)
		}
		if c.method != http.MethodHead && (p.Code != string(c.code) || p.Status != a.status || p.RequestID != a.id() ||
			p.Detail == "") {
			s.t.Errorf("%s: the problem is %+v, want code %q", what, p, c.code)
		}
		if wait := a.header.Get("Retry-After") != ""; wait != (a.status == 429 || a.status == 503) {
			s.t.Errorf("%s: Retry-After is %q with status %d", what, a.header.Get("Retry-After"), a.status)
		}
	}
	for _, text := range c.has {
		if !strings.Contains(a.body, text) {
			s.t.Errorf("%s: the answer does not say %q: %s", what, text, a.body)
		}
	}
	if out != nil {
		if err := json.Unmarshal([]byte(a.body), out); err != nil {
			s.t.Fatalf("%s: %v: %v", what, a, err)
		}
	}
	return a
}

// mustAgree holds an exchange against the document: the answer always, the request where it was not refused.
func (s *site) mustAgree(what, method, path string, header http.Header, sent []byte, a answer) {
	s.t.Helper()
	d := description(s.t)
	if method == http.MethodHead {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(context.Background(), method, describedAt+path, bytes.NewReader(sent))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header.Clone()
	route, params, err := d.router.FindRoute(req)
	if err != nil {
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			s.t.Errorf("%s: is answered with %d and not in the document: %v", what, a.status, err)
			return
		}
		var p any
		if err := json.Unmarshal([]byte(a.body), &p); err != nil && a.body != "" {
			s.t.Errorf("%s: %v: %v", what, a, err)
		} else if a.body != "" {
			if err := d.document.Components.Schemas["Problem"].Value.VisitJSON(p); err != nil {
				s.t.Errorf("%s: %v", what, err)
			}
		}
		return
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
			IncludeResponseStatus: true},
	}
	err = openapi3filter.ValidateRequest(req.Context(), input)
	if err != nil && a.status < 400 {
		s.t.Errorf("%s: was answered with %d, and is not what the document says: %v", what, a.status, err)
	}
	response := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: a.status,
		Header: a.header, Options: input.Options}
	if a.body == "" && a.header.Get("Content-Type") != "" {
		return // to HEAD
	}
	response.SetBodyBytes([]byte(a.body))
	if err := openapi3filter.ValidateResponse(req.Context(), response); err != nil {
		s.t.Errorf("%s: the answer is not what the document says: %v\n%v", what, err, a)
	}
}

// register registers ada, and returns the receipt.
func (s *site) register() string {
	s.t.Helper()
	var out api.Registered
	s.ask(call{method: http.MethodPost, path: "/people", body: adaRegistration}, &out)
	s.hide(out.Receipt)
	return out.Receipt
}

var adaRegistration = api.Registration{Name: ada.name, Location: ada.location, Age: 36, Technology: ada.technology}

// upload is a file on its way.
type upload struct {
	s       *site
	receipt string
	// path is that of the file below the API's prefix.
	path string
	data []byte
	file api.File
}

// announce announces a file of these bytes.
func (s *site) announce(receipt, name string, data []byte) *upload {
	s.t.Helper()
	u := &upload{s: s, receipt: receipt, path: "/files/" + dossier.NewFileID().String(), data: data}
	s.hide(name)
	u.file = u.announceAs(name, int64(len(data)))
	return u
}

func (u *upload) announceAs(name string, size int64) api.File {
	u.s.t.Helper()
	var f api.File
	u.s.ask(call{method: http.MethodPut, path: u.path, receipt: u.receipt,
		body: api.Announcement{Name: name, Size: size}}, &f)
	return f
}

// bytesOf returns the bytes of a part.
func (u *upload) bytesOf(number int) []byte {
	from := min(int64(number-1)**u.file.PartSize, int64(len(u.data)))
	return u.data[from:min(from+*u.file.PartSize, int64(len(u.data)))]
}

func crc64Of(data []byte) string {
	crc := dossier.NewCRC64()
	_, _ = crc.Write(data)
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, crc.Sum64()))
}

// partOf returns a part as it is to be signed.
func (u *upload) partOf(number int) api.Part {
	data := u.bytesOf(number)
	return api.Part{Number: number, Size: int64(len(data)), Crc64Nvme: crc64Of(data)}
}

// sign has parts signed.
func (u *upload) sign(numbers ...int) []api.SignedPart {
	u.s.t.Helper()
	var in api.PartsToSign
	for _, n := range numbers {
		in.Parts = append(in.Parts, u.partOf(n))
	}
	var out api.SignedParts
	u.s.ask(call{method: http.MethodPost, path: u.path + "/parts", receipt: u.receipt, body: in}, &out)
	if len(out.Parts) != len(numbers) {
		u.s.t.Fatalf("%d parts were signed, want %d", len(out.Parts), len(numbers))
	}
	for i, p := range out.Parts {
		if p.Number != numbers[i] {
			u.s.t.Fatalf("part %d was signed at place %d, want %d", p.Number, i, numbers[i])
		}
		if _, signature, ok := strings.Cut(p.URL, "?"); !ok {
			u.s.t.Errorf("the address %q has no signature", p.URL)
		} else {
			u.s.hide(signature)
		}
	}
	return out.Parts
}

// send sends bytes by a signed request, and returns the status that the store answers with.
func (s *site) send(p api.SignedPart, data []byte) int {
	s.t.Helper()
	// A store may refuse a part before it has read it, and close the connection. The bytes still on their way to it
	// then take its answer with them (RFC 9112, section 9.6). Who sends again leaves it more and more time to answer
	// before the first byte.
	for wait := time.Duration(0); ; wait = max(10*time.Millisecond, 2*wait) {
		status, err := s.trySend(p, data, wait)
		if err == nil {
			return status
		}
		if wait > 10*time.Second || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			s.t.Fatalf("send part %d, %v after its header: %v", p.Number, wait, err)
		}
	}
}

// lateReader waits before its first byte.
type lateReader struct {
	io.Reader
	wait time.Duration
}

func (r *lateReader) Read(p []byte) (int, error) {
	time.Sleep(r.wait)
	r.wait = 0
	return r.Reader.Read(p)
}

// trySend sends bytes by a signed request, the first of them so long after its header.
func (s *site) trySend(p api.SignedPart, data []byte, wait time.Duration) (int, error) {
	site, err := url.Parse("http://" + s.addr + api.Prefix + "/files/x/parts")
	if err != nil {
		return 0, err
	}
	to, err := site.Parse(p.URL)
	if err != nil {
		return 0, err
	}
	body := io.Reader(bytes.NewReader(data))
	if wait > 0 {
		// No reader of bytes, which the transport would wait for to send the header together with the first of them.
		body = &lateReader{body, wait}
	}
	req, err := http.NewRequestWithContext(s.t.Context(), string(p.Method), to.String(), body)
	if err != nil {
		return 0, err
	}
	req.ContentLength = int64(len(data))
	for name, value := range p.Headers {
		// Content-Length is set of the body, as a browser does.
		if name != "Content-Length" {
			req.Header.Set(name, value)
		}
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	if to.Host == s.addr {
		header := req.Header.Clone()
		header.Set("Content-Type", "application/octet-stream")
		path := strings.TrimPrefix(to.RequestURI(), api.Prefix)
		// The document says of the bytes only that they are some: the first of megabytes tell as much as all.
		first := data[:min(len(data), 1<<10)]
		s.mustAgree("send part", req.Method, path, header, first, answer{res.StatusCode, res.Header, string(got)})
	}
	return res.StatusCode, nil
}

// sent reports whether a store's answer says that it has the part.
func sent(status int) bool { return status == http.StatusOK || status == http.StatusNoContent }

// sendAll signs and sends all parts.
func (u *upload) sendAll() {
	u.s.t.Helper()
	for n := 1; n <= *u.file.PartCount; n++ {
		if status := u.s.send(u.sign(n)[0], u.bytesOf(n)); !sent(status) {
			u.s.t.Fatalf("part %d: the store answers %d", n, status)
		}
	}
}

func (u *upload) sums() api.Completion {
	sum := sha256.Sum256(u.data)
	return api.Completion{Crc64Nvme: crc64Of(u.data), Sha256: hex.EncodeToString(sum[:])}
}

func (u *upload) completion() call {
	return call{method: http.MethodPost, path: u.path + "/complete", receipt: u.receipt, body: u.sums()}
}

// complete completes the file and checks what is answered.
func (u *upload) complete() api.File {
	u.s.t.Helper()
	var f api.File
	u.s.ask(u.completion(), &f)
	want := u.sums()
	if f.State != api.Stored || f.Content == nil || f.Content.Crc64Nvme != want.Crc64Nvme ||
		f.Content.Sha256 != want.Sha256 || f.Size == nil || *f.Size != int64(len(u.data)) {
		u.s.t.Fatalf("the completed file is %+v", f)
	}
	return f
}

// status reads how far the file is.
func (u *upload) status() api.FileStatus {
	u.s.t.Helper()
	var out api.FileStatus
	u.s.ask(call{path: u.path, receipt: u.receipt}, &out)
	return out
}

// mustHaveParts checks which parts the store has.
func (u *upload) mustHaveParts(numbers ...int) {
	u.s.t.Helper()
	got := u.status().Parts
	var want []api.Part
	for _, n := range numbers {
		want = append(want, u.partOf(n))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		u.s.t.Errorf("the store has the parts %v, want %v", got, want)
	}
}

// mustBeStored checks that the receipt opens ada with exactly these files, with their bytes.
func (s *site) mustBeStored(receipt string, files ...file) {
	s.t.Helper()
	f := ada
	f.receipt = receipt
	s.mustHave(f, files...)
}

// everywhere runs a test over the embedded stores and over those of the cloud, each with two instances of the server by
// turns.
func everywhere(t *testing.T, o setup, test func(s *site)) {
	onEmbedded(t, o, test)
	t.Run("servers", func(t *testing.T) {
		t.Parallel()
		cloud := cloud(t)
		stores := cloud.Stores(t)
		o := o
		o.stores, o.others = &stores, []teststores.Stores{cloud.Stores(t)}
		test(open(t, o))
	})
}

// cloud is on the servers of the stores, on which a site takes several times as long as with embedded stores.
func cloud(t *testing.T) *teststores.Servers {
	t.Helper()
	servers.EndToEnd(t)
	return teststores.Cloud(t)
}

// onEmbedded is everywhere without the cloud, for what the stores have no part in.
func onEmbedded(t *testing.T, o setup, test func(s *site)) {
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		folder := teststores.Migrated(t)
		stores := teststores.Embedded(t, folder)
		o := o
		o.stores, o.others = &stores, []teststores.Stores{teststores.Embedded(t, folder)}
		test(open(t, o))
	})
}
