package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dossier.example/app"
	"dossier.example/app/api"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
	"dossier.example/app/space"
)

// smallDisk is a file system of its own with a data folder, and with a program that fills it.
type smallDisk struct {
	t    *testing.T
	path string
	env  []string
	// reserve is what the program keeps of it, ballast the half that it keeps as files.
	reserve, ballast int64
}

// mountDisk mounts a small disk, of so many MiB.
func mountDisk(t *testing.T, mib int64) *smallDisk {
	t.Helper()
	d := &smallDisk{t: t, path: servers.SmallDisk(t, mib<<20), reserve: mib << 20 / space.Share}
	d.ballast = d.reserve / 2
	// What is deleted has to free its space at once.
	d.env = []string{"DOSSIER_DATA=" + d.data(), "DOSSIER_TRASH_RETENTION=0"}
	return d
}

func (d *smallDisk) data() string   { return filepath.Join(d.path, "data") }
func (d *smallDisk) filler() string { return filepath.Join(d.path, "filler") }

func (d *smallDisk) free() int64 {
	d.t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(d.path, &s); err != nil {
		d.t.Fatal(err)
	}
	return int64(s.Bavail) * s.Bsize
}

// fill is another program, which takes all that is left.
func (d *smallDisk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size >= 1; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
	if d.free() != 0 {
		d.t.Fatalf("%d bytes are free on a disk that was filled", d.free())
	}
}

// held returns the room that the ballast takes on the disk, and fails where a file claims more than it has.
func (d *smallDisk) held() (held int64) {
	d.t.Helper()
	entries, err := os.ReadDir(filepath.Join(d.data(), space.Folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // given back at this moment
		}
		if err != nil {
			d.t.Fatal(err)
		}
		if has := info.Sys().(*syscall.Stat_t).Blocks * 512; has < info.Size() {
			d.t.Errorf("a piece of ballast of %d bytes has %d on the disk", info.Size(), has)
		}
		held += info.Size()
	}
	return held
}

func (d *smallDisk) whole() {
	d.t.Helper()
	eventually(d.t, "the ballast is whole", func() bool { return d.held() >= d.ballast })
}

// empty takes away what the other program wrote, and waits until files are taken again.
func (d *smallDisk) empty() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
	d.whole()
}

// member is one of the staff.
type member struct {
	t      *testing.T
	client *http.Client
	base   string
}

var csrf = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// signIn signs in as staff, by the secret in the data folder.
func (d *smallDisk) signIn(base string) *member {
	d.t.Helper()
	secret, err := os.ReadFile(filepath.Join(d.data(), "staff-secret"))
	if err != nil {
		d.t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	b := &member{d.t, &http.Client{Jar: jar}, base}
	res, err := b.client.PostForm(base+"/staff/sign-in", url.Values{"key": {strings.TrimSpace(string(secret))}})
	if err != nil {
		d.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Request.URL.Path != "/people" {
		d.t.Fatalf("signing in leads to %s, %s", res.Request.URL.Path, res.Status)
	}
	return b
}

func (b *member) get(path string) []byte {
	b.t.Helper()
	res, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: %s, %v\n%s", path, res.Status, err, page)
	}
	return page
}

// delete deletes what the path is of: asks, and confirms.
func (b *member) delete(path string) error {
	token := csrf.FindSubmatch(b.get(path + "/delete"))
	if token == nil {
		return fmt.Errorf("%s asks nothing", path)
	}
	res, err := b.client.PostForm(b.base+path+"/delete", url.Values{"csrf": {string(token[1])}})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if page, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK ||
		strings.HasSuffix(res.Request.URL.Path, "/delete") {
		return fmt.Errorf("delete %s: %s at %s\n%s", path, res.Status, res.Request.URL.Path, page)
	}
	return nil
}

// call asks the API, with a receipt unless that is zero.
func (d *smallDisk) call(base, method, path string, receipt dossier.Receipt, in, out any) (status int,
	header http.Header, problem api.Problem) {
	d.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), method, base+api.Prefix+path, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	} else {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	req.Header.Set("Authorization", "Bearer "+receipt.String())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if res.StatusCode >= 400 {
		out = &problem
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			d.t.Fatalf("%s %s: %s, %v\n%s", method, path, res.Status, err, answer)
		}
	}
	return res.StatusCode, res.Header, problem
}

// refused makes sure that nothing new is taken, neither by the form nor by the API, and says so.
func (d *smallDisk) refused(base string, known dossier.Receipt) {
	d.t.Helper()
	time.Sleep(2 * space.LookEvery) // A server may have looked at the disk just before it was filled.
	f := &form{receipt: dossier.NewReceipt(), files: [][]byte{randomBytes(1000)}}
	var n atomic.Int64
	if err := f.post(d.t.Context(), base, &n); err == nil || !strings.Contains(err.Error(), "503") ||
		!strings.Contains(err.Error(), "accepts no files right now") ||
		!strings.Contains(err.Error(), "Grace Hopper") {
		d.t.Errorf("a form on a full disk: %v", err)
	}
	if status, _ := get(d.t, base+"/receipt/"+f.receipt.String()); status != http.StatusNotFound {
		d.t.Errorf("the receipt of a form that was refused answers %d", status)
	}
	expect := func(what string, status int, header http.Header, p api.Problem) {
		d.t.Helper()
		if status != http.StatusServiceUnavailable || p.Code != "full" || header.Get("Retry-After") == "" {
			d.t.Errorf("%s on a full disk: %d, %+v, %v", what, status, p, header)
		}
	}
	status, header, p := d.call(base, "POST", "/people", dossier.NewReceipt(),
		api.Registration{Name: "Ada", Location: "London", Age: 36, Technology: "Mills"}, nil)
	if status == http.StatusServiceUnavailable {
		expect("registering", status, header, p)
	} else {
		d.t.Errorf("registering on a full disk: %d %+v", status, p)
	}
	status, header, p = d.call(base, "PUT", "/files/"+dossier.NewFileID().String(), known,
		api.Announcement{Name: "a", Size: 1}, nil)
	expect("announcing", status, header, p)
}

// announced announces a file of that size and sends its first part.
func (d *smallDisk) announced(base string, receipt dossier.Receipt, size int64) (id dossier.FileID, send func() int) {
	d.t.Helper()
	id = dossier.NewFileID()
	path := "/files/" + id.String()
	if status, _, p := d.call(base, "PUT", path, receipt, api.Announcement{Name: "parts", Size: size},
		nil); status >= 300 {
		d.t.Fatalf("announce: %d %+v", status, p)
	}
	data := randomBytes(int(min(size, dossier.PartSize(size))))
	var signed api.SignedParts
	status, _, p := d.call(base, "POST", path+"/parts", receipt,
		api.PartsToSign{Parts: []api.Part{{Number: 1, Size: int64(len(data)), Crc64Nvme: crcText(data)}}}, &signed)
	if status >= 300 {
		d.t.Fatalf("sign: %d %+v", status, p)
	}
	return id, func() int {
		req, err := http.NewRequestWithContext(d.t.Context(), "PUT", base+signed.Parts[0].URL, bytes.NewReader(data))
		if err != nil {
			d.t.Fatal(err)
		}
		for name, value := range signed.Parts[0].Headers {
			if name != "Content-Length" {
				req.Header.Set(name, value)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			d.t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
}

func (d *smallDisk) post(base string, files ...[]byte) (*form, error) {
	f := &form{receipt: dossier.NewReceipt(), files: files}
	var n atomic.Int64
	return f, f.post(d.t.Context(), base, &n)
}

// TestFullDisk fills a disk by the form, by parts and by another program, and does there all that must go on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	d := mountDisk(t, 96)
	p := start(t, freeAddress(t), d.env)
	d.whole()
	var kept []*form
	post := func(files ...[]byte) *form {
		t.Helper()
		f, err := d.post(p.base, files...)
		if err != nil {
			t.Fatalf("a form on a disk that has room: %v\n%s", err, p.output)
		}
		return f
	}
	kept = append(kept, post(randomBytes(300_000), randomBytes(0)))
	going := post(randomBytes(100_000), randomBytes(100_001))
	small := post(randomBytes(50_000), randomBytes(50_001))
	given, sent := d.announced(p.base, kept[0].receipt, 6<<20)
	if status := sent(); status != http.StatusNoContent {
		t.Fatalf("send a part: %d", status)
	}
	_, late := d.announced(p.base, kept[0].receipt, 5<<20)

	// A file for which there is no room, to the end of the room; and then as many as there is room for.
	free := d.free()
	if _, err := d.post(p.base, randomBytes(int(free))); err == nil || !strings.Contains(err.Error(), "503") {
		t.Fatalf("a form of as many bytes as are free: %v", err)
	}
	if now := d.free(); now < free-1<<20 {
		t.Errorf("of a file that was refused %d bytes stay", free-now)
	}
	for i := 0; ; i++ {
		f, err := d.post(p.base, randomBytes(5<<20))
		if err != nil {
			break
		}
		if kept = append(kept, f); i == 100 {
			t.Fatal("strangers may fill the disk")
		}
	}
	for _, size := range []int{100_000, 10_000, 1000} {
		for {
			if _, err := d.post(p.base, randomBytes(size)); err != nil {
				break
			}
		}
	}
	if free := d.free(); free < d.reserve-d.ballast-2<<20 || d.held() < d.ballast {
		t.Errorf("strangers left %d bytes free, and %d as ballast, of a reserve of %d", free, d.held(), d.reserve)
	}
	d.refused(p.base, kept[0].receipt)
	if status := late(); status != http.StatusServiceUnavailable {
		t.Errorf("a part that was signed before the disk was full: %d", status)
	}

	d.fill()
	works := func() {
		t.Helper()
		d.refused(p.base, kept[0].receipt)
		for _, f := range kept {
			f.verify(t, p.base)
		}
		if status, _ := get(t, p.base+"/readyz"); status != http.StatusOK {
			t.Errorf("/readyz: %d", status)
		}
		staff := d.signIn(p.base)
		staff.get("/people")
		person := "/people/" + kept[0].receipt.Person.String()
		staff.get(person)
		staff.get(person + "/files.zip")
		report := reconcileNow(t, append(d.env, "DOSSIER_RECONCILE_AGE=720h"))
		if report.Failures != 0 {
			t.Errorf("reconcile: %+v", report)
		}
	}
	// Sign-in, reading and deleting a file and a person.
	staff := d.signIn(p.base)
	page := staff.get("/people/" + going.receipt.Person.String())
	file := regexp.MustCompile(`/people/[^/"]+/files/[0-9a-f-]{36}`).Find(page)
	if err := staff.delete(string(file)); err != nil {
		t.Errorf("%v\n%s", err, p.output)
	}
	d.fill()
	if err := staff.delete("/people/" + going.receipt.Person.String()); err != nil {
		t.Errorf("%v\n%s", err, p.output)
	}
	d.fill()
	if status, _, problem := d.call(p.base, "DELETE", "/files/"+given.String(), kept[0].receipt, nil,
		nil); status != http.StatusNoContent {
		t.Errorf("give up: %d %+v\n%s", status, problem, p.output)
	}
	d.fill()
	works()
	// Stopped and started, killed and started.
	d.fill()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	d.fill()
	if status, out, stderr := run(t.Context(), d.env, "reconcile"); status != exitOK {
		t.Errorf("reconcile on a full disk: exit status %d\n%s%s", status, out, stderr)
	}
	d.fill()
	p = start(t, freeAddress(t), d.env)
	works()
	d.fill()
	p.kill()
	d.fill()
	p = start(t, freeAddress(t), d.env)
	works()
	if !strings.Contains(p.output.String(), "the disk is full: no files are accepted") {
		t.Errorf("a full disk is not in the log:\n%s", p.output)
	}
	d.fill()
	if err := d.signIn(p.base).delete("/people/" + small.receipt.Person.String()); err != nil {
		t.Errorf("%v\n%s", err, p.output)
	}
	d.empty()
	kept = append(kept, post(randomBytes(2<<20)))
	for _, f := range kept {
		f.verify(t, p.base)
	}
	eventually(t, "the log says that files are taken again", func() bool {
		return strings.Contains(p.output.String(), "the disk has space again")
	})
	// Deleting alone makes room as well.
	for len(kept) > 2 {
		if err := d.signIn(p.base).delete("/people/" + kept[1].receipt.Person.String()); err != nil {
			t.Fatal(err)
		}
		kept = append(kept[:1], kept[2:]...)
	}
	kept = append(kept, post(randomBytes(20<<20)))
	for _, f := range kept {
		f.verify(t, p.base)
	}
	reconcileNow(t, d.env)
}

// TestFullDiskManyFiles deletes a person with 10,000 files, whose deletion gives no room back, on a disk on which
// another program takes every byte that becomes free.
func TestFullDiskManyFiles(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	const files = 10_000
	d := mountDisk(t, 160)
	p := start(t, freeAddress(t), d.env)
	d.whole()
	f, err := d.post(p.base, randomBytes(1000))
	if err != nil {
		t.Fatal(err)
	}
	keep, err := d.post(p.base, randomBytes(1000))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMicro()
	db := openSQLite(t, filepath.Join(d.data(), "catalog.db"))
	insert(t, db, "files (person_id, file_id, name, author, state, size, sha256, crc64, content_type, created_at, "+
		"updated_at)",
		files, func(i int) []any {
			name := fmt.Sprintf("file %d", i)
			return []any{f.receipt.Person.String(), dossier.NewFileID().String(), name, "Grace Hopper", "stored", 1,
				fmt.Sprintf("%x", sha256.Sum256([]byte(name))), fmt.Sprintf("%016x", i), "text/plain", now, now}
		})
	if _, err := db.ExecContext(t.Context(),
		"UPDATE usages SET files = files + ?, bytes = bytes + ? WHERE person_id = ?",
		files, files, f.receipt.Person.String()); err != nil {
		t.Fatal(err)
	}
	stores := teststores.Embedded(t, d.data())
	p.kill()
	d.fill()
	// The records have no objects, which the start would refuse.
	p = startCommand(t, freeAddress(t), d.env, "serve", "--despite-losses")
	staff := d.signIn(p.base)
	d.fill()
	before := d.held()
	if err := staff.delete("/people/" + f.receipt.Person.String()); err != nil {
		t.Fatalf("%v\n%s", err, p.output)
	}
	t.Logf("of a ballast of %d bytes %d were left before the deletion, and %d after it", d.ballast, before, d.held())
	for file := range stores.Catalog.All(t.Context()) {
		if file.Person == f.receipt.Person {
			t.Fatalf("%+v is left", file)
		}
	}
	keep.verify(t, p.base)
	d.empty()
}

// TestFullDiskTwoServers has two servers use one folder, delete at once, and make one ballast.
func TestFullDiskTwoServers(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	d := mountDisk(t, 96)
	a, b := start(t, freeAddress(t), d.env), start(t, freeAddress(t), d.env)
	d.whole()
	var going []*form
	for range 20 {
		f, err := d.post(a.base, randomBytes(30_000))
		if err != nil {
			t.Fatal(err)
		}
		going = append(going, f)
	}
	large, err := d.post(a.base, randomBytes(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	going = append(going, large)
	keep, err := d.post(b.base, randomBytes(3<<20))
	if err != nil {
		t.Fatal(err)
	}
	// Both take at once what strangers send.
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for range 20 {
				if _, err := d.post([]string{a.base, b.base}[i%2], randomBytes(2<<20)); err != nil {
					return
				}
			}
			t.Error("strangers may fill the disk")
		})
	}
	wg.Wait()
	if free := d.free(); free < 1<<20 || d.held() < d.ballast {
		t.Errorf("strangers at two servers left %d bytes free, and %d as ballast, of a reserve of %d", free, d.held(),
			d.reserve)
	}
	d.fill()
	for i, f := range going {
		wg.Go(func() {
			base := []string{a.base, b.base}[i%2]
			if err := d.signIn(base).delete("/people/" + f.receipt.Person.String()); err != nil {
				t.Errorf("%v\n%s%s", err, a.output, b.output)
			}
		})
	}
	wg.Wait()
	d.fill()
	d.refused(a.base, keep.receipt)
	d.refused(b.base, keep.receipt)
	d.empty()
	if held := d.held(); held > d.ballast+d.ballast/2 {
		t.Errorf("two servers made a ballast of %d bytes; one of %d is wanted", held, d.ballast)
	}
	for _, base := range []string{a.base, b.base} {
		keep.verify(t, base)
		f, err := d.post(base, randomBytes(1<<20))
		if err != nil {
			t.Fatal(err)
		}
		f.verify(t, base)
	}
}

// TestFullDiskKill kills the server while the ballast is made, and while it is given back.
func TestFullDiskKill(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	d := mountDisk(t, 192)
	p := start(t, freeAddress(t), d.env)
	d.whole()
	keep, err := d.post(p.base, randomBytes(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p.kill()
	partly := 0
	for round := range 20 {
		if round%2 == 0 { // else it goes on where the former was killed
			if err := os.RemoveAll(filepath.Join(d.data(), space.Folder)); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(bin, "serve")
		cmd.Env = append(d.env, "DOSSIER_LISTEN=127.0.0.1:0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until := d.ballast * int64(round+1) / 40
		for end := time.Now().Add(time.Minute); d.held() < until && time.Now().Before(end); {
			time.Sleep(50 * time.Microsecond)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if held := d.held(); held > 0 && held < d.ballast {
			partly++
		}
	}
	if partly == 0 {
		t.Error("no kill hit a ballast that was being made")
	}
	p = start(t, freeAddress(t), d.env)
	d.whole()
	if held := d.held(); held > d.ballast+d.ballast/2 {
		t.Errorf("after kills the ballast has %d bytes; %d are wanted", held, d.ballast)
	}
	var going []*form
	for range 5 {
		f, err := d.post(p.base, randomBytes(1000), randomBytes(1001), randomBytes(1002))
		if err != nil {
			t.Fatal(err)
		}
		going = append(going, f)
	}
	for _, f := range going {
		d.fill()
		staff := d.signIn(p.base) // which may take of the ballast, too
		token := csrf.FindSubmatch(staff.get("/people/" + f.receipt.Person.String() + "/delete"))
		held := d.held()
		gone := make(chan error, 1)
		go func() {
			// Killed in the middle, or done before.
			res, err := staff.client.PostForm(p.base+"/people/"+f.receipt.Person.String()+"/delete",
				url.Values{"csrf": {string(token[1])}})
			if err == nil {
				res.Body.Close()
			}
			gone <- err
		}()
		for end := time.Now().Add(10 * time.Second); d.held() == held && time.Now().Before(end) && len(gone) == 0; {
			time.Sleep(20 * time.Microsecond)
		}
		p.kill()
		<-gone
		p = start(t, freeAddress(t), d.env)
		keep.verify(t, p.base)
		if status, _ := get(t, p.base+"/receipt/"+f.receipt.String()); status == http.StatusOK {
			if err := d.signIn(p.base).delete("/people/" + f.receipt.Person.String()); err != nil {
				t.Errorf("%v\n%s", err, p.output)
			}
		} else if status != http.StatusNotFound {
			t.Errorf("the receipt answers %d", status)
		}
		d.empty()
	}
	keep.verify(t, p.base)
}

// TestFullDiskWithoutBallast starts on a full disk with a folder that never had a reserve: the message says what to do,
// and what it asks for is enough.
func TestFullDiskWithoutBallast(t *testing.T) {
	t.Parallel()
	d := mountDisk(t, 64)
	// The stores without what serve keeps beside them.
	if err := os.Mkdir(d.data(), 0o700); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := run(t.Context(), d.env, "reconcile"); status != exitOK {
		t.Fatal(stderr)
	}
	d.fill()
	for _, command := range []string{"serve", "reconcile"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		status, _, stderr := run(ctx, append(d.env, "DOSSIER_LISTEN=127.0.0.1:0"), command)
		if status != exitFailed || !strings.Contains(stderr, d.data()) ||
			!strings.Contains(stderr, "free 2 MB on that disk") {
			t.Errorf("%s: exit status %d\n%s", command, status, stderr)
		}
	}
	info, err := os.Stat(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.filler(), info.Size()-1<<20); err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := run(t.Context(), d.env, "reconcile"); status != exitOK {
		t.Errorf("reconcile with the room that the message asks for: %s", stderr)
	}
	p := start(t, freeAddress(t), d.env)
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
	d.whole()
	if f, err := d.post(p.base, []byte(rand.Text())); err != nil {
		t.Error(err)
	} else {
		f.verify(t, p.base)
	}
}
