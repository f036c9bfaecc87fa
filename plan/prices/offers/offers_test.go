package offers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"dossier.example/plan/prices"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// made makes a table of files.
func made(t *testing.T, regions []string, files ...[]byte) (*prices.Table, []string) {
	t.Helper()
	m, err := NewMaker(regions...)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := m.Add(bytes.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	table, notes, err := m.Table()
	if err != nil {
		t.Fatal(err)
	}
	return table, notes
}

func packed(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTable: of the files is taken what a table holds, in its unit, and nothing else: no other tenancy, license or
// place, no price of another day, and none that nobody can be sure of.
func TestTable(t *testing.T) {
	frankfurt := map[string]float64{"ec2/c7g.large": 0.0825, "ebs/gp3": 0.0952, "ebs/gp3/throughput": 0.0476,
		"nat": 0.052, "rds/mysql/db.t4g.medium": 0.076, "rds/mysql/db.t4g.medium/multi-az": 0.151,
		"rds/aurora-mysql/db.t4g.medium": 0.24, "rds/storage/gp3": 0.137}
	table, notes := made(t, nil, read(t, "AmazonEC2.json"), read(t, "AmazonRDS.csv"), read(t, "AmazonRoute53.json"))
	want := &prices.Table{Form: prices.Form, Date: "2026-10-30",
		Source:  "AWS Price List of AmazonEC2, AmazonRDS, AmazonRoute53",
		Global:  map[string]float64{"route53/zone": 0.5},
		Regions: map[string]map[string]float64{"eu-central-1": frankfurt, "us-east-1": {"ec2/c7g.large": 0.0723}}}
	if !reflect.DeepEqual(table, want) {
		t.Errorf("got\n%+v\nwant\n%+v", table, want)
	}
	for _, note := range []string{`left out, as it is of an unknown unit, "vCPU-Months": rds/storage/gp2`,
		"nothing found of AWSELB"} {
		if !slices.Contains(notes, note) {
			t.Errorf("the notes lack %q: %q", note, notes)
		}
	}
	// What is written can be read again.
	var text bytes.Buffer
	if err := table.Write(&text); err != nil {
		t.Fatal(err)
	}
	if again, err := prices.Read(&text); err != nil || !reflect.DeepEqual(again, table) {
		t.Errorf("read again, it is %+v, %v", again, err)
	}

	table, notes = made(t, []string{"us-east-1", "us-west-2"}, packed(t, read(t, "AmazonEC2.json")))
	if got := table.Names(); !slices.Equal(got, []string{"us-east-1"}) {
		t.Errorf("the regions are %q", got)
	}
	if !slices.Contains(notes, "nothing found of us-west-2") {
		t.Errorf("the notes do not tell which region is missing: %q", notes)
	}
}

// TestDisputed: of two prices for one thing, neither is taken.
func TestDisputed(t *testing.T) {
	other := bytes.ReplaceAll(read(t, "AmazonEC2.json"), []byte("0.0520000000"), []byte("0.0530000000"))
	first := read(t, "AmazonEC2.json")
	table, notes := made(t, nil, first, other, first)
	if got := table.Price("eu-central-1", "nat"); got != 0 {
		t.Errorf("the NAT gateway costs %g", got)
	}
	if got := table.Price("eu-central-1", "ebs/gp3"); got != 0.0952 {
		t.Errorf("what the files agree on costs %g", got)
	}
	if want := "left out, as there is more than one price: nat in eu-central-1"; !slices.Contains(notes, want) {
		t.Errorf("the notes are %q", notes)
	}
}

// TestFaults: a file that is not whole, or not of the form, is refused.
func TestFaults(t *testing.T) {
	ec2, rds := string(read(t, "AmazonEC2.json")), string(read(t, "AmazonRDS.csv"))
	products, terms := strings.Index(ec2, `"products"`), strings.Index(ec2, `"terms"`)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "neither JSON nor CSV"},
		{"another text", "<html>\n<p>\n", "neither JSON nor CSV"},
		{"another JSON", `{"a": [1, {"b": "c"}], "d": null}`, "does not say when it was published"},
		{"half of it", ec2[:strings.Index(ec2, `"VOLUME.X"`)], "unexpected EOF"},
		{"half of the products", ec2[:terms-100], "unexpected EOF"},
		{"terms first", ec2[:products] + `"terms": {}}`, "terms stand before its products"},
		{"a price in words", strings.Replace(ec2, "0.0520000000", "cheap", 1), `the price of nat is "cheap"`},
		{"a negative price", strings.Replace(ec2, "0.0520000000", "-1", 1), `the price of nat is "-1"`},
		{"a list for a price", strings.Replace(ec2, `{ "USD" : "0.0520000000" }`, "[]", 1), "cannot unmarshal array"},
		{"CSV of something else", strings.Replace(rds, "PricePerUnit", "Amount", 1), `its columns lack "priceperunit"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := NewMaker()
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Add(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := NewMaker("Frankfurt"); err == nil {
		t.Error("a place is taken for a region")
	}
	m, err := NewMaker("us-west-2")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Add(strings.NewReader(ec2)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Table(); err == nil {
		t.Error("a table without prices is made")
	}
}

// TestBuiltin: what the built-in table has can be found in AWS's files too, except the scans of GuardDuty.
func TestBuiltin(t *testing.T) {
	keys := map[string]bool{}
	for _, some := range selectors() {
		for _, s := range some {
			keys[s.key] = true
		}
	}
	known := func(key string) bool {
		kind := key[strings.LastIndexByte(key, '/')+1:]
		return keys[key] || keys[strings.Replace(key, kind, "*", 1)] || strings.HasPrefix(key, "guardduty/") ||
			strings.HasPrefix(key, "cognito/")
	}
	for where, of := range map[string]map[string]float64{"global": prices.Builtin().Global,
		"us-east-1": prices.Builtin().Regions["us-east-1"]} {
		for key := range of {
			if !known(key) {
				t.Errorf("%s: no selector finds %s", where, key)
			}
		}
	}
}

// large is a file that is made while it is read: so many products, of which few are of use, and their terms.
type large struct {
	products int
	next     int
	rest     []byte
	peak     *uint64
}

func (l *large) Read(p []byte) (int, error) {
	for len(l.rest) == 0 {
		text := ""
		switch n := l.next - 1; {
		case n < 0:
			text = `{"offerCode": "AmazonEC2", "publicationDate": "2026-11-01T00:00:00Z", "products": {`
		case n < l.products:
			usage := "DedicatedUsage:"
			if n%100 == 0 {
				usage = "BoxUsage:"
			}
			text = fmt.Sprintf(`"S%d": {"productFamily": "Compute Instance", "attributes": {"usagetype": "%sx%d", `+
				`"operatingSystem": "Linux", "tenancy": "Shared", "preInstalledSw": "NA", "capacitystatus": "Used", `+
				`"operation": "RunInstances", "regionCode": "us-east-1", "more": "%s"}},`, n, usage, n,
				strings.Repeat("x", 900))
		case n == l.products:
			text = `"LAST": {}}, "terms": {"OnDemand": {`
		case n <= 2*l.products:
			text = fmt.Sprintf(`"S%d": {"T": {"effectiveDate": "2026-10-01T00:00:00Z", "priceDimensions": {"D": `+
				`{"beginRange": "0", "unit": "Hrs", "pricePerUnit": {"USD": "1.5"}, "description": "%s"}}}},`,
				n-l.products-1, strings.Repeat("x", 900))
		case n == 2*l.products+1:
			text = `"LAST": {}}}}`
		default:
			return 0, io.EOF
		}
		if l.next%500 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*l.peak = max(*l.peak, m.HeapAlloc)
		}
		l.next++
		l.rest = []byte(text)
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// TestMemory: what a file of 12 MB holds in memory is what is taken from it.
func TestMemory(t *testing.T) {
	const products, most = 6000, 4 << 20
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := NewMaker()
	if err != nil {
		t.Fatal(err)
	}
	var peak uint64
	if err := m.Add(&large{products: products, peak: &peak}); err != nil {
		t.Fatal(err)
	}
	table, _, err := m.Table()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(table.Regions["us-east-1"]); got != products/100 {
		t.Errorf("%d prices, want %d", got, products/100)
	}
	if held := int64(peak) - int64(before.HeapAlloc); peak == 0 || held > most {
		t.Errorf("%d bytes are held while reading, more than %d", held, most)
	}
}

func BenchmarkAdd(b *testing.B) {
	for b.Loop() {
		m, err := NewMaker()
		if err != nil {
			b.Fatal(err)
		}
		var peak uint64
		if err := m.Add(&large{products: 5000, peak: &peak}); err != nil {
			b.Fatal(err)
		}
	}
}
