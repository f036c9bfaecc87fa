package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier.example/app/internal/teststores"
)

// A site on a machine: its command invites, lists and recovers, beside a server and without one.
func TestStaffCommand(t *testing.T) {
	t.Parallel()
	data := filepath.Join(teststores.Folder(t), "data")
	env := []string{"DOSSIER_DATA=" + data, "DOSSIER_PUBLIC_URL=https://dossier.example"}
	link := regexp.MustCompile(`(?m)^https://dossier\.example/staff/invitation#[A-Za-z0-9_-]{43}$`)
	want := func(status int, args []string, texts ...string) string {
		t.Helper()
		got, stdout, stderr := run(t.Context(), env, append([]string{"staff"}, args...)...)
		if got != status {
			t.Errorf("staff %q: exit status %d, want %d", args, got, status)
		}
		for _, text := range texts {
			if !strings.Contains(stdout+stderr, text) {
				t.Errorf("staff %q: %q is not in\n%s%s", args, text, stdout, stderr)
			}
		}
		return link.FindString(stdout)
	}
	want(exitFailed, []string{"list"}, "has no store of people", "DOSSIER_DATA")
	if status, _, stderr := run(t.Context(), env, "migrate", "up"); status != exitOK {
		t.Fatal(stderr)
	}
	want(exitOK, nil, "recover", "invite")
	want(exitOK, []string{"list"}, "no accounts", "dossier serve")
	want(exitFailed, []string{"recover", "ada@site.example"}, "no account", "dossier staff list")
	want(exitFailed, []string{"invite"}, "--name: Enter a name", "--address: Enter an address")
	want(exitFailed, []string{"invite", "--name", "Ada", "--address", "ada@site.example", "--role", "owner"},
		"--role is one of viewer, editor and administrator")
	invite := []string{"invite", "--name", "Ada Lovelace", "--address", "ada@site.example", "--role", "administrator"}
	first := want(exitOK, invite, "Ada Lovelace (ada@site.example)", "administrator", "72 hours")
	if second := want(exitOK, invite); first == "" || second == "" || first == second {
		t.Errorf("two invitations have the links %q and %q", first, second)
	}
	want(exitOK, []string{"list"}, "ada@site.example", "Ada Lovelace", "administrator", "invited", "never")
	if want(exitOK, []string{"recover", "ADA@site.example"}, "24 hours") == "" {
		t.Error("recovering prints no link")
	}
	want(exitFailed, []string{"recover"}, "1 arg")
	want(exitFailed, []string{"recover", "--issuer", "ada@site.example"}, "set DOSSIER_STAFF_ISSUER")
	env = append(env, "DOSSIER_STAFF_ISSUER=https://login.example", "DOSSIER_STAFF_CLIENT_ID=dossier",
		"DOSSIER_STAFF_CLIENT_SECRET=secret", "DOSSIER_STAFF_ALLOW=site.example")
	if want(exitOK, []string{"recover", "--issuer", "ada@site.example"},
		"signs in next as ada@site.example at https://login.example") != "" {
		t.Error("an account that is handed over gets a link")
	}
	want(exitOK, []string{"list"}, "ada@site.example", "administrator", "active")

	// What the command makes is in the audit trail, with what failed, and without links, names and addresses.
	status, trail, stderr := run(t.Context(), env, "audit", "export")
	if status != exitOK {
		t.Fatal(stderr)
	}
	for text, times := range map[string]int{
		"program,,,,account.invite,,,,begun,":    3, // one of them without a name
		"program,,,,account.invite,,,,failed,":   1,
		"program,,,,account.invite,account,":     2,
		"program,,,,account.recover,,,,begun,":   2,
		"program,,,,account.recover,account,":    2,
		`,"administrator, on the command line",`: 4,
		"ada@":                                   0, "Ada": 0, first[len(first)-43:]: 0,
	} {
		if got := strings.Count(trail, text); got != times {
			t.Errorf("the trail has %d times %q, want %d:\n%s", got, text, times, trail)
		}
	}
}

// A staff secret that is lost while there are accounts is made anew only if a person says so.
func TestLostStaffSecret(t *testing.T) {
	t.Parallel()
	data := filepath.Join(teststores.Folder(t), "data")
	secret, env := filepath.Join(data, "staff-secret"), []string{"DOSSIER_DATA=" + data}
	ask := func(env []string, args ...string) (status int, stdout, stderr string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // a server that is not refused runs on
		defer cancel()
		return run(ctx, append(env, "DOSSIER_LISTEN=127.0.0.1:0"), args...)
	}
	lose := func() (was string) {
		t.Helper()
		b, err := os.ReadFile(secret)
		if err != nil {
			t.Fatal(err)
		}
		remove(t, secret)
		return string(b)
	}
	invite := []string{"staff", "invite", "--name", "Ada", "--address", "ada@site.example"}
	for i, args := range [][]string{{"migrate", "up"}, {"staff", "list"}, invite} {
		if status, _, stderr := ask(env, args...); status != exitOK {
			t.Fatalf("%v: exit status %d\n%s", args, status, stderr)
		}
		if i == 1 {
			lose() // there is nothing yet that needs the former one
		}
	}
	was := lose()
	for _, args := range [][]string{{"serve"}, {"staff", "list"}, {"staff", "recover", "ada@site.example"}, invite} {
		status, stdout, stderr := ask(env, args...)
		if status != exitFailed || stdout != "" {
			t.Errorf("%v: exit status %d\n%s", args, status, stdout)
		}
		for _, want := range []string{secret, "staff (1)", "backup", "DOSSIER_STAFF_SECRET", "--despite-losses"} {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v: %q is not in\n%s", args, want, stderr)
			}
		}
	}
	if _, err := os.Stat(secret); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is refused makes a secret: %v", err)
	}
	if status, _, stderr := ask(append(env, "DOSSIER_STAFF_SECRET="+strings.TrimSpace(was)), "staff",
		"list"); status != exitOK {
		t.Errorf("with the secret as a setting: exit status %d\n%s", status, stderr)
	}
	p := startCommand(t, freeAddress(t), env, "serve", "--despite-losses")
	defer p.kill()
	if out := p.output.String(); !strings.Contains(out, "level=ERROR") ||
		!strings.Contains(out, "the staff secret is lost") {
		t.Errorf("the server does not say that it makes a new secret:\n%s", out)
	}
	if lose() == was {
		t.Error("the new secret is the former one")
	}
}

// The way of a newcomer by the real program: the link that the server prints, the first account, the end of the shared
// key, and the recovery of the last administrator.
func TestFirstAdministrator(t *testing.T) {
	t.Parallel()
	env := []string{"DOSSIER_DATA=" + filepath.Join(teststores.Folder(t), "data")}
	listen := freeAddress(t)
	p := start(t, listen, env)
	printed := regexp.MustCompile(`(http://\S+)/staff/sign-in\?next=/staff/first#key=(\S+)\n`)
	var link []string
	for until := time.Now().Add(time.Minute); link == nil &&
		time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		link = printed.FindStringSubmatch(p.output.String())
	}
	if link == nil {
		t.Fatalf("no link in\n%s", p.output)
	}
	site, key := link[1], link[2]
	b := newHeadless(t, site)
	if to := b.post("/staff/sign-in", url.Values{"key": {key}, "next": {"/staff/first"}}); to != "/staff/first" {
		t.Fatalf("the key leads to %q:\n%s", to, b.page)
	}
	b.get("/staff/first")
	secret := b.secret()
	b.post("/staff/first", url.Values{"csrf": {b.field("csrf")}, "id": {b.field("id")}, "name": {"Ada"},
		"address": {"ada@site.example"}, "password": {"four words are better"}, "enrollment": {b.field("enrollment")},
		"code": {codeOf(secret, time.Now())}})
	if !strings.Contains(b.page, "recovery") || b.status != http.StatusOK {
		t.Fatalf("the first account is answered with %d:\n%s", b.status, b.page)
	}
	b.get("/staff/accounts")
	if !strings.Contains(b.page, "ada@site.example") {
		t.Errorf("the accounts are\n%s", b.page)
	}
	other := newHeadless(t, site)
	other.post("/staff/sign-in", url.Values{"key": {key}})
	if other.status != http.StatusConflict || !strings.Contains(other.page, "no longer works") {
		t.Errorf("the shared key is answered with %d:\n%s", other.status, other.page)
	}
	// The next start prints no key.
	p.kill()
	p = start(t, listen, env)
	defer p.kill()
	said := "Staff sign in at " + site + "/staff/sign-in\n"
	for until := time.Now().Add(time.Minute); !strings.Contains(p.output.String(),
		said); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("the second start prints\n%s", p.output)
		}
	}
	if strings.Contains(p.output.String(), key) {
		t.Error("the second start prints the key")
	}
	// Her session outlives the restart, and ends when somebody on the machine recovers her account.
	b.get("/staff/accounts")
	if b.status != http.StatusOK {
		t.Errorf("the session after a restart is answered with %d", b.status)
	}
	status, stdout, stderr := run(t.Context(), append(env, "DOSSIER_LISTEN="+listen), "staff", "recover",
		"ada@site.example")
	_, token, found := strings.Cut(stdout, "/staff/invitation#")
	if status != exitOK || !found {
		t.Fatalf("recovering: %d\n%s%s", status, stdout, stderr)
	}
	b.get("/staff/accounts")
	if b.status != http.StatusSeeOther {
		t.Errorf("the session of a recovered account is answered with %d", b.status)
	}
	b.post("/staff/invitation", url.Values{"link": {token}})
	secret = b.secret()
	b.post("/staff/invitation/accept", url.Values{"link": {b.field("link")}, "name": {"Ada"},
		"password": {"another few good words"}, "enrollment": {b.field("enrollment")},
		"code": {codeOf(secret, time.Now())}})
	b.get("/staff/accounts")
	if b.status != http.StatusOK {
		t.Errorf("after the recovery: %d\n%s", b.status, b.page)
	}
}

// headless is a browser without a screen.
type headless struct {
	t      *testing.T
	site   string
	client *http.Client
	status int
	page   string
}

func newHeadless(t *testing.T, site string) *headless {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &headless{t: t, site: site, client: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (v *headless) get(path string) string { return v.ask(http.MethodGet, path, nil) }
func (v *headless) post(path string, form url.Values) string {
	return v.ask(http.MethodPost, path, form)
}

// ask makes a request and returns where its answer leads.
func (v *headless) ask(method, path string, form url.Values) string {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	a, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer a.Body.Close()
	page, err := io.ReadAll(a.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.status, v.page = a.StatusCode, string(page)
	return a.Header.Get("Location")
}

// field returns the value of a hidden field of the page.
func (v *headless) field(name string) string {
	v.t.Helper()
	found := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(v.page)
	if found == nil {
		v.t.Fatalf("no field %q in\n%s", name, v.page)
	}
	return found[1]
}

// codeOf returns the code that an authenticator app shows (RFC 6238).
func codeOf(secret []byte, at time.Time) string {
	h := hmac.New(sha1.New, secret)
	_ = binary.Write(h, binary.BigEndian, at.Unix()/30)
	sum := h.Sum(nil)
	from := sum[19] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[from:from+4])&(1<<31-1)%1_000_000)
}

// secret returns the secret of codes that the page shows.
func (v *headless) secret() []byte {
	v.t.Helper()
	found := regexp.MustCompile(`class="secret">([A-Z2-7 ]+)<`).FindStringSubmatch(v.page)
	if found == nil {
		v.t.Fatalf("no secret in\n%s", v.page)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(found[1], " ", ""))
	if err != nil {
		v.t.Fatal(err)
	}
	return secret
}
