package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"dossier.example/infra/settings"
	"dossier.example/plan/markdown"
	"dossier.example/plan/prices"
)

// What the sums of docs/scale.md assume; the page says why.
const (
	submissionRequests = 10  // to the site, for a submission of one file
	peakFactor         = 4   // the busiest hour, in hours of the mean
	fileMB             = 1   // of a file
	pageMB             = 0.1 // of a submission, through the load balancer
	statements         = 3   // of a submission
	statementTime      = 5   // ms, of each
	recordShards       = 8   // partitions of the table's index
	noteWrites         = 1   // for the first submission of a network on a day
	noteUnits          = 15  // for each, of a full note
	tableUnits         = 40_000
	partitionUnits     = 1000
	prefixRequests     = 3500
)

// What the sums of a sweep assume: a test of the command counts the requests of each person at servers.
const (
	sweepQueries    = 3   // of DynamoDB, for a person
	sweepStatements = 2   // of MySQL, for a person
	sweepPages      = 4   // statements for 100 people
	sweepScans      = 4   // of the table
	sweepLists      = 2   // of S3: objects and thumbnails, 1,000 in a request
	personItems     = 3   // in the table: a record, a claim, a counter
	itemBytes       = 250 // of each
	scanItems       = 500 // in a page
	sweepRequests   = 300 // besides
	requestTime     = 3   // ms, of DynamoDB
	lookTime        = 1   // ms, of a statement that reads a row
)

// scaleStep is a multiple of prod's load, and what runs it.
type scaleStep struct {
	times    int
	instance string
	requests int // of an instance and minute
	class    string
}

// scaleSteps are what docs/scale.md recommends.
func scaleSteps(prod settings.Settings) []scaleStep {
	return []scaleStep{
		{1, prod.Service.InstanceType, prod.Service.RequestsTarget, prod.Database.Class},
		{10, prod.Service.InstanceType, 2 * prod.Service.RequestsTarget, prod.Database.Class},
		{100, "t4g.medium", 6 * prod.Service.RequestsTarget, "db.t4g.large"},
		{1000, "t4g.medium", 24 * prod.Service.RequestsTarget, ""},
	}
}

// sheet is a table with a column for each step.
type sheet struct {
	order []string
	cells map[string][]string
}

func (s *sheet) put(name, value string) {
	if s.cells == nil {
		s.cells = map[string][]string{}
	}
	if s.cells[name] == nil {
		s.order = append(s.order, name)
	}
	s.cells[name] = append(s.cells[name], value)
}

func (s *sheet) table(title string) string {
	table := markdown.NewTable(title, "1:", "10:", "100:", "1,000:")
	for _, name := range s.order {
		table.Row(append([]string{name}, s.cells[name]...)...)
	}
	return table.String()
}

// scaleTables are the sums of docs/scale.md.
func scaleTables(t *testing.T, prod settings.Settings) string {
	t.Helper()
	var load, cost sheet
	fileUnits := float64(wordAfter(t, document(t, "docs/costs.md"), "a file is "))
	for _, s := range scaleSteps(prod) {
		perMinute := float64(s.times * prod.Service.Min * prod.Service.RequestsTarget)
		rate := perMinute / 60 / submissionRequests // of submissions, a second
		month := rate / peakFactor * 3600 * prices.Hours
		instances := math.Ceil(perMinute / float64(s.requests))
		// As the settings' rules count: a rollout exceeds the group, and others connect too.
		open := (instances+math.Max(1, math.Ceil(instances/10)))*float64(prod.Service.Connections) + 10

		load.put("requests a second", count(perMinute/60))
		load.put("submissions a second", count(rate))
		load.put("instances, at the requests a minute that each is scaled for",
			fmt.Sprintf("%s at %s", count(instances), count(float64(s.requests))))
		load.put(fmt.Sprintf("connections that they may open; `database.connections` is %d", prod.Database.Connections),
			count(open))
		load.put(fmt.Sprintf("connections in use, by %d statements of %d ms", statements, statementTime),
			count(rate*statements*statementTime/1000))
		load.put(fmt.Sprintf("DynamoDB's write units for files; a table has %s", count(tableUnits)), count(rate*fileUnits))
		load.put(fmt.Sprintf("those of each of the index's %d partitions; one has %s", recordShards, count(partitionUnits)),
			count(rate*fileUnits/2/recordShards))
		load.put("those for notes of networks, which are all in one partition", count(rate*noteWrites*noteUnits))
		load.put(fmt.Sprintf("S3's PUT requests; a prefix has %s", count(prefixRequests)), count(rate))
		load.put("load balancer capacity units", count(math.Max(rate*pageMB*3.6, rate*2/25)))
		load.put(fmt.Sprintf("days until %s (`service.maxStoreSize`) are full",
			strings.TrimSpace(fmt.Sprintf("%d TiB", prod.Service.MaxStoreBytes>>40))),
			count(float64(prod.Service.MaxStoreBytes)/1e6/fileMB/(month/prices.Hours*24)))

		sum := 0.0
		price := func(name string, usd float64) {
			sum += usd
			cost.put(name, count(math.Round(usd)))
		}
		cost.put("submissions", count(math.Round(month)))
		if instancePrice(s.instance) == 0 || s.class != "" && classPrice(s.class) == 0 {
			t.Fatalf("%+v has no price", s)
		}
		price("instances: "+instanceTypes(prod), instances*instancePrice(s.instance)*prices.Hours)
		const database = "database with a standby: "
		if s.class == "" {
			cost.put(database+classes(prod), "no price")
		} else {
			price(database+classes(prod), 2*classPrice(s.class)*prices.Hours)
		}
		writes := use(t, "DynamoDB writes").Price / 1e6
		price("DynamoDB's writes for files", month*fileUnits*writes)
		price("DynamoDB's writes for notes of networks", month*noteWrites*noteUnits*writes)
		price("S3's PUT requests", month*use(t, "Writing to S3").Price/1000)
		price("S3's storage, more by this each month", month*fileMB/1000*use(t, "Files in S3").Price)
		price("load balancer capacity units",
			rate/peakFactor*pageMB*3.6*use(t, "Load balancer capacity").Price*prices.Hours)
		cost.put("**sum**", "**"+count(math.Round(sum))+"**")
	}
	return load.table("At the peak, at so many times the load") + "\n" + cost.table("$ a month, at so many times the load")
}

// sweepTable are the sums of a sweep in docs/scale.md.
func sweepTable(t *testing.T) string {
	t.Helper()
	table := markdown.NewTable("People:", "Requests to DynamoDB:", "Its read units:", "Statements:", "Requests to S3:",
		"Hours:", "$ a sweep:")
	for _, people := range []float64{1000, 1_000_000, 10_000_000} {
		pages := sweepScans * math.Ceil(people*personItems/scanItems)
		requests := people*sweepQueries + pages + sweepRequests
		units := people*sweepQueries + pages*math.Ceil(scanItems*itemBytes/4096.) + sweepRequests
		looks := people*sweepStatements + sweepPages*people/100
		lists := sweepLists * (people/1000 + 1)
		hours := (requests*requestTime + looks*lookTime) / 1000 / 3600
		usd := units*use(t, "DynamoDB reads").Price/1e6 + lists*use(t, "Writing to S3").Price/1000
		table.Row(count(people), count(requests), count(units), count(looks), count(lists),
			strconv.FormatFloat(hours, 'g', 2, 64), strconv.FormatFloat(usd, 'g', 2, 64))
	}
	return table.String()
}

func instanceTypes(prod settings.Settings) string {
	return list(prod, func(s scaleStep) string { return s.instance })
}

func classes(prod settings.Settings) string {
	return list(prod, func(s scaleStep) string { return s.class })
}

// list names what the steps have, each once.
func list(prod settings.Settings, of func(scaleStep) string) string {
	var all []string
	for _, s := range scaleSteps(prod) {
		if name := of(s); name != "" && (len(all) == 0 || all[len(all)-1] != name) {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", then ")
}

// instancePrice and classPrice are of an hour.
func instancePrice(kind string) float64 { return prices.Builtin().Price(pricedRegion, "ec2/"+kind) }

func classPrice(class string) float64 {
	return prices.Builtin().Price(pricedRegion, "rds/mysql/"+class)
}

// use returns what a use costs, by the beginning of its description.
func use(t *testing.T, what string) prices.Use {
	t.Helper()
	for _, u := range prices.Builtin().AllUses(pricedRegion) {
		if strings.HasPrefix(u.What, what) {
			return u
		}
	}
	t.Fatalf("no price of %q", what)
	return prices.Use{}
}

// wordAfter reads the number that a text tells in a word.
func wordAfter(t *testing.T, text, before string) int {
	t.Helper()
	_, rest, _ := strings.Cut(text, before)
	word, _, _ := strings.Cut(rest, ",")
	for n, name := range strings.Fields("zero one two three four five six seven eight nine ten eleven twelve") {
		if word == name {
			return n
		}
	}
	t.Fatalf("%q tells no number after %q", text, before)
	return 0
}

// count writes a number with its thousands separated, and one digit behind the point where it is small.
func count(n float64) string {
	if n < 10 && n != math.Trunc(n) {
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	digits := strconv.FormatFloat(n, 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
