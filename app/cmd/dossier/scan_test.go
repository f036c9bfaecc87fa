package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// The real program and the real clamd, on each kind of stores: what was there before, what comes, what comes while the
// scanner is down and the program is killed.
func TestScanEmbedded(t *testing.T) {
	t.Parallel()
	scanRounds(t, []string{"DOSSIER_DATA=" + teststores.Migrated(t)})
}

func TestScanReal(t *testing.T) {
	t.Parallel()
	servers.EndToEnd(t)
	scanRounds(t, teststores.Cloud(t).Environ())
}

// encrypted returns an archive that is marked as encrypted.
func encrypted(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "a", Method: zip.Store})
	if err == nil {
		_, err = w.Write([]byte("twelve bytes and then some"))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	data[6] |= 1
	data[bytes.Index(data, []byte("PK\x01\x02"))+8] |= 1
	return data
}

// outcomes returns what the API says of the scan of each file, and what its content is answered with, by name.
func (f *form) outcomes(t *testing.T, base string) map[string]string {
	t.Helper()
	ask := func(path string) (int, []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+f.receipt.String())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, b.Bytes()
	}
	_, body := ask("/receipt")
	var receipt struct {
		Files []struct{ ID, Name, Scan string }
	}
	if err := json.Unmarshal(body, &receipt); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	found := map[string]string{}
	for _, file := range receipt.Files {
		status, data := ask("/files/" + file.ID + "/content")
		i := slices.IndexFunc(f.files, func(sent []byte) bool { return bytes.Equal(sent, data) })
		if status == http.StatusOK && f.name(max(i, 0)) != file.Name {
			t.Errorf("%s is answered with other bytes", file.Name)
		}
		found[file.Name] = fmt.Sprint(file.Scan, " ", status)
	}
	return found
}

func (f *form) becomes(t *testing.T, p *process, want ...string) {
	t.Helper()
	var got map[string]string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got = f.outcomes(t, p.base)
		if ok := len(got) == len(want); ok {
			for i, w := range want {
				ok = ok && got[f.name(i)] == w
			}
			if ok {
				return
			}
		}
	}
	t.Fatalf("the files are %v, want %v; the program says:\n%s", got, want, p.output)
}

func scanRounds(t *testing.T, env []string) {
	clamd := servers.StartClamd(t, "MaxFileSize 1M", "StreamMaxLength 2M")
	send := func(p *process, files ...[]byte) *form {
		t.Helper()
		f := &form{receipt: dossier.NewReceipt(), files: files}
		if err := f.post(t.Context(), p.base, new(atomic.Int64)); err != nil {
			t.Fatalf("a form: %v; the program says:\n%s", err, p.output)
		}
		return f
	}
	letter := func(i int) []byte { return fmt.Appendf(nil, "Dear Charles, %d times", i) }
	virus := func(i int) []byte { return fmt.Appendf(nil, "%s %d", servers.ClamdSignature, i) }
	large := bytes.Repeat([]byte("nothing of interest. "), 100_000)
	address := freeAddress(t)

	before := start(t, address, slices.Clone(env))
	old := send(before, letter(1), virus(1))
	old.becomes(t, before, "not_scanned 200", "not_scanned 200")
	before.kill()

	scanning := append(slices.Clone(env), "DOSSIER_SCANNER=clamd", "DOSSIER_SCAN_CLAMD="+clamd.Socket)
	p := start(t, address, slices.Clone(scanning))
	old.becomes(t, p, "not_scanned 403", "not_scanned 403")
	f := send(p, letter(2), virus(2), encrypted(t), large)
	f.becomes(t, p, "clean 200", "infected 403", "not_scanned 403", "not_scanned 403")
	old.becomes(t, p, "not_scanned 403", "not_scanned 403")
	status, out := command(t, scanning, "scan")
	if status != exitDamaged || !regexp.MustCompile(`MALWARE: person \S+, file \S+: TestMarker`).MatchString(out) ||
		!strings.Contains(out, "Of 6 stored files") {
		t.Errorf("dossier scan: status %d\n%s", status, out)
	}
	old.becomes(t, p, "clean 200", "infected 403")
	if status, out := command(t, scanning, "scan", "--json"); status != 0 ||
		!strings.Contains(out, `{"files":6,"scanned":{},"unfinished":0}`) {
		t.Errorf("dossier scan again: status %d\n%s", status, out)
	}
	if status, out := command(t, env, "scan"); status != exitFailed || !strings.Contains(out, "DOSSIER_SCANNER") {
		t.Errorf("dossier scan without a scanner: status %d\n%s", status, out)
	}

	// An outage: everything goes on but what was not scanned.
	clamd.Kill()
	during := send(p, letter(3), virus(3))
	during.becomes(t, p, "waiting 409", "waiting 409")
	f.becomes(t, p, "clean 200", "infected 403", "not_scanned 403", "not_scanned 403")
	if status, _ := get(t, p.base+"/readyz"); status != http.StatusOK {
		t.Errorf("without a scanner /readyz answers %d", status)
	}
	if status, out := command(t, scanning, "scan"); status != exitFailed || !strings.Contains(out, "clamd") {
		t.Errorf("dossier scan without clamd: status %d\n%s", status, out)
	}
	p.kill()
	p = start(t, address, slices.Clone(scanning))
	during.becomes(t, p, "waiting 409", "waiting 409")
	clamd.Restart()
	during.becomes(t, p, "clean 200", "infected 403")
	if !strings.Contains(p.output.String(), "files are not scanned for malware") {
		t.Errorf("the log does not tell of the outage:\n%s", p.output)
	}
	// Who scans no more hands out all but what was found.
	p.kill()
	p = start(t, address, slices.Clone(env))
	during.becomes(t, p, "clean 200", "infected 403")
	f.becomes(t, p, "clean 200", "infected 403", "not_scanned 200", "not_scanned 200")
}

// command runs the real program to its end, and returns all that it printed.
func command(t *testing.T, env []string, args ...string) (status int, out string) {
	t.Helper()
	status, stdout, stderr := runBinary(t, env, args...)
	return status, stdout + stderr
}
