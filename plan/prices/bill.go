package prices

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

// Line is one thing that is paid for by time.
type Line struct {
	// URN is that of the resource, empty for what is counted over the whole stack.
	URN string
	// Resource is its name in the program.
	Resource string
	// What says what is paid for, how much of it, its price, and its region where that is not the stack's.
	What string
	// Monthly is in dollars.
	Monthly float64
}

// Unpriced is something that the table has no price for.
type Unpriced struct {
	// URN is that of the resource.
	URN string
	// Resource is its type and name in the program.
	Resource string
	// Why says what it is that has no price.
	Why string
	// Later tells that nothing is paid for it now.
	Later bool
}

func (u Unpriced) String() string { return u.Resource + ": " + u.Why }

// Bill is what a stack costs a month while nobody uses it.
type Bill struct {
	// Lines are sorted, the dearest first.
	Lines []Line
	// Unpriced is not in the sum. It is sorted.
	Unpriced []Unpriced
}

// Total is the sum of the lines, in dollars a month.
func (b Bill) Total() float64 {
	var sum float64
	for _, l := range b.Lines {
		sum += l.Monthly
	}
	return sum
}

// Idle makes the bill of a graph, of a stack in a region; the empty one is not known. Resources that the program only
// looks up are somebody else's, and on no bill here.
func (t *Table) Idle(g *graph.Graph, region string) Bill {
	b := &biller{graph: g, table: t, region: region, public: map[string]bool{}, counts: map[string]*counts{}}
	b.addresses()
	free, known := free(), rules()
	for _, r := range g.Resources {
		if !r.Custom || r.Read || strings.HasPrefix(r.Token, "pulumi:") || free[r.Token] != "" {
			continue
		}
		if rule := known[r.Token]; rule != nil {
			rule(b, r)
		} else {
			b.unpriced(r, "type "+r.Token)
		}
	}
	b.watching()
	slices.SortStableFunc(b.Lines, func(x, y Line) int {
		return cmp.Or(cmp.Compare(y.Monthly, x.Monthly), cmp.Compare(x.Resource, y.Resource))
	})
	slices.SortStableFunc(b.Unpriced, func(x, y Unpriced) int { return cmp.Compare(x.String(), y.String()) })
	return b.Bill
}

type biller struct {
	Bill
	graph *graph.Graph
	table *Table
	// region is the stack's.
	region string
	// public are the URNs of instances and groups whose instances have a public address of their own, which is no
	// Elastic IP.
	public map[string]bool
	// counts are, by region, of what is counted before it is priced.
	counts map[string]*counts
}

// rules are what is paid for by time, by type.
func rules() map[string]func(*biller, *graph.Resource) {
	all := map[string]func(*biller, *graph.Resource){}
	for _, some := range []map[string]func(*biller, *graph.Resource){
		computeRules, networkRules, dataRules, watchRules, keptRules,
	} {
		maps.Copy(all, some)
	}
	return all
}

// price returns the price of a key in the region of a resource. Where there is none, it notes that the resource has no
// price for what.
func (b *biller) price(r *graph.Resource, key, what string) (float64, bool) {
	price := b.table.Price(b.graph.Region(r, b.region), key)
	if price == 0 {
		b.lacks(r, what)
	}
	return price, price != 0
}

// lacks notes that the table has no price for something of a resource; if it has none of the whole region, then that,
// once.
func (b *biller) lacks(r *graph.Resource, what string) {
	region := b.graph.Region(r, b.region)
	switch {
	case region == "":
		what = "its region is not known"
	case !b.table.Has(region):
		what = "no prices of " + region
	}
	u := Unpriced{URN: r.URN, Resource: r.String(), Why: what}
	for i := len(b.Unpriced) - 1; !b.table.Has(region) && i >= 0 && b.Unpriced[i].URN == r.URN; i-- {
		if b.Unpriced[i] == u {
			return
		}
	}
	b.Unpriced = append(b.Unpriced, u)
}

// unpriced notes what no table has a price for.
func (b *biller) unpriced(r *graph.Resource, why string) {
	b.Unpriced = append(b.Unpriced, Unpriced{URN: r.URN, Resource: r.String(), Why: why})
}

// add adds a line, and tells the region where it is not the stack's.
func (b *biller) add(r *graph.Resource, what string, monthly float64) {
	if region := b.graph.Region(r, b.region); region != b.region {
		what += ", in " + region
	}
	b.Lines = append(b.Lines, Line{r.URN, r.Name, what, monthly})
}

// hourly adds number of something that is paid for by the hour.
func (b *biller) hourly(r *graph.Resource, what string, number float64, key string) {
	if number == 0 {
		return
	}
	if price, ok := b.price(r, key, times(number)+what); ok {
		b.add(r, fmt.Sprintf("%s%s, $%g per hour", times(number), what, price), number*price*Hours)
	}
}

// monthly adds number of something that is paid for by the month.
func (b *biller) monthly(r *graph.Resource, what string, number float64, key string) {
	if number == 0 {
		return
	}
	if price, ok := b.price(r, key, times(number)+what); ok {
		b.add(r, fmt.Sprintf("%s%s, $%.2f per month", times(number), what, price), number*price)
	}
}

// stored adds an amount, in units such as GB, that is paid for by the month.
func (b *biller) stored(r *graph.Resource, amount float64, unit, what, key string) {
	if amount == 0 {
		return
	}
	what = fmt.Sprintf("%g %s of %s", amount, unit, what)
	if price, ok := b.price(r, key, what); ok {
		b.add(r, fmt.Sprintf("%s, $%g per %s and month", what, price, unit), amount*price)
	}
}

func times(number float64) string {
	if number == 1 {
		return ""
	}
	return fmt.Sprintf("%g × ", number)
}

// number is an input that has to be a number of at least 0 to be priced.
func number(r *graph.Resource, path string, unset float64) (float64, bool) {
	v := r.Input(path)
	if v == nil {
		return unset, true
	}
	n, ok := graph.Number(v)
	return n, ok && n >= 0 && n < 1e9
}
