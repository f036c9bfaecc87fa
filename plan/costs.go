package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/markdown"
	"dossier.example/plan/prices"
)

// PriceTable is what prices were taken from.
type PriceTable struct {
	Date   string `json:"date"`
	Source string `json:"source"`
	// Regions are those that there are prices of.
	Regions    []string `json:"regions"`
	NotCounted []string `json:"notCounted"`
}

// Cost is what the stack costs a month while nobody uses it, in dollars, and what use adds.
type Cost struct {
	// Region is the stack's, empty where its configuration does not say. NoPrices tells that there are none of it.
	Region   string `json:"region,omitempty"`
	NoPrices bool   `json:"noPrices,omitempty"`
	// Before and After are the sums of what has a price on that side.
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Difference is how much more is paid for what can be compared, which is all but Apart.
	Difference float64 `json:"difference"`
	// Incomparable tells that the difference of the sums says nothing, because Apart has a price on one side only, or
	// changes without one.
	Incomparable bool       `json:"incomparable,omitempty"`
	Apart        []string   `json:"apart,omitempty"`
	Lines        []CostLine `json:"lines"`
	Unpriced     []Unpriced `json:"unpriced"`
	Uses         []Use      `json:"uses"`
}

// CostLine is one thing that is paid for by time.
type CostLine struct {
	Resource string  `json:"resource"`
	Before   string  `json:"before,omitempty"`
	After    string  `json:"after,omitempty"`
	Was      float64 `json:"was"`
	Is       float64 `json:"is"`
	// Apart tells that the resource is one of Cost.Apart.
	Apart bool `json:"apart,omitempty"`
}

// Unpriced is what the table has no price for.
type Unpriced struct {
	Change   Difference `json:"change,omitempty"`
	Resource string     `json:"resource"`
	What     string     `json:"what"`
}

// Use is what one unit of use costs.
type Use struct {
	Change Difference `json:"change,omitempty"`
	What   string     `json:"what"`
	// Price is missing where it is not known.
	Price float64 `json:"price,omitempty"`
	Unit  string  `json:"unit"`
}

// cost compares the bills of a stack, each in the region that it has on that side.
func cost(table *prices.Table, base, head *graph.Graph, baseRegion, headRegion string) Cost {
	is := table.Idle(head, headRegion)
	var was prices.Bill
	// same is what a resource of base is at head, by URN.
	same := map[string]string{}
	if base != nil {
		was = table.Idle(base, baseRegion)
		for _, now := range head.Resources {
			if old := base.Was(now); old != nil {
				same[old.URN] = now.URN
			}
		}
		for i := range was.Lines {
			was.Lines[i].URN = cmp.Or(same[was.Lines[i].URN], was.Lines[i].URN)
		}
		for i := range was.Unpriced {
			was.Unpriced[i].URN = cmp.Or(same[was.Unpriced[i].URN], was.Unpriced[i].URN)
		}
	}
	c := Cost{Region: headRegion, NoPrices: !table.Has(headRegion), Before: cents(was.Total()),
		After: cents(is.Total())}
	all, apart := unpriced(base, head, was.Unpriced, is.Unpriced)
	c.Unpriced = all
	c.Incomparable, c.Apart = len(apart) > 0, slices.Sorted(maps.Values(apart))
	var difference float64
	c.Lines, difference = costLines(was, is, apart)
	c.Difference = cents(difference)
	c.Uses = used(table, base, head, baseRegion, headRegion)
	return c
}

// unpriced compares what has no price. apart is what that makes impossible to compare, by URN, or by its name where it
// is counted over the whole stack: what has no price on one side only, and what changes and has none on either.
func unpriced(base, head *graph.Graph, was, is []prices.Unpriced) (all []Unpriced, apart map[string]string) {
	apart = map[string]string{}
	id := func(u prices.Unpriced) string { return cmp.Or(u.URN, u.Resource) }
	type key struct{ urn, why string }
	before, after := map[key]int{}, map[key]int{}
	for _, u := range was {
		before[key{id(u), u.Why}]++
	}
	for _, u := range is {
		k := key{id(u), u.Why}
		after[k]++
		change := Same
		if base != nil && after[k] > before[k] {
			change = Added
		}
		all = append(all, Unpriced{change, u.Resource, u.Why})
		if u.Later {
			continue
		}
		now := head.ByURN(u.URN)
		if change == Added || base != nil && now != nil && base.Was(now) != nil && costsOtherwise(base.Was(now), now) {
			apart[id(u)] = u.Resource
		}
	}
	for _, u := range was {
		if k := (key{id(u), u.Why}); before[k] > after[k] {
			before[k]--
			all = append(all, Unpriced{Removed, u.Resource, u.Why})
			if !u.Later {
				apart[id(u)] = u.Resource
			}
		}
	}
	return all, apart
}

// free are the inputs that never change what a resource costs.
var free = []string{"tags", "tagsAll", "description", "name", "policy", "userData", "securityGroups",
	"vpcSecurityGroupIds", "securityGroupIds"}

// costsOtherwise reports whether a resource without a price may cost something else than before.
func costsOtherwise(old, now *graph.Resource) bool {
	keys := maps.Clone(now.Inputs)
	maps.Copy(keys, old.Inputs)
	for key := range keys {
		if !slices.Contains(free, key) && !reflect.DeepEqual(old.Inputs[key], now.Inputs[key]) {
			return true
		}
	}
	return false
}

// costLines compares the lines of bills: what a resource pays for under one heading is one line. difference leaves out
// what is apart.
func costLines(was, is prices.Bill, apart map[string]string) (lines []CostLine, difference float64) {
	type key struct {
		resource, what string
		nth            int
	}
	found := map[key]*CostLine{}
	var order []key
	gather := func(b prices.Bill, put func(*CostLine, prices.Line)) {
		count := map[key]int{}
		for _, l := range b.Lines {
			k := key{resource: cmp.Or(l.URN, l.Resource), what: heading(l.What)}
			count[k]++
			k.nth = count[k]
			if found[k] == nil {
				found[k] = &CostLine{Resource: l.Resource, Apart: apart[k.resource] != ""}
				order = append(order, k)
			}
			put(found[k], l)
		}
	}
	gather(is, func(to *CostLine, l prices.Line) { to.After, to.Is = l.What, cents(l.Monthly) })
	gather(was, func(to *CostLine, l prices.Line) { to.Before, to.Was = l.What, cents(l.Monthly) })
	for _, k := range order {
		lines = append(lines, *found[k])
	}
	for _, l := range is.Lines {
		if apart[cmp.Or(l.URN, l.Resource)] == "" {
			difference += l.Monthly
		}
	}
	for _, l := range was.Lines {
		if apart[cmp.Or(l.URN, l.Resource)] == "" {
			difference -= l.Monthly
		}
	}
	return lines, difference
}

// heading is the kind of a line of a bill: its first words, without numbers and classes.
func heading(what string) string {
	what, _, _ = strings.Cut(what, ",")
	var words []string
	for word := range strings.FieldsSeq(what) {
		if !strings.ContainsAny(word, "0123456789×.") || word == "IPv4" {
			words = append(words, word)
		}
	}
	return strings.TrimSuffix(strings.Join(words, " "), " (Multi-AZ)")
}

func cents(dollars float64) float64 { return math.Round(dollars*100) / 100 }

// used compares what use costs.
func used(table *prices.Table, base, head *graph.Graph, baseRegion, headRegion string) []Use {
	in := func(u prices.Use, change Difference) Use {
		if u.Region != "" {
			u.What += ", in " + u.Region
		}
		return Use{Change: change, What: u.What, Price: u.Price, Unit: u.Unit}
	}
	is := table.Uses(head, headRegion)
	var was []prices.Use
	if base != nil {
		was = table.Uses(base, baseRegion)
	}
	has := func(all []prices.Use, u prices.Use) bool {
		return slices.ContainsFunc(all, func(o prices.Use) bool {
			return o.What == u.What && o.Unit == u.Unit && o.Region == u.Region
		})
	}
	var found []Use
	for _, u := range is {
		change := Same
		if base != nil && !has(was, u) {
			change = Added
		}
		found = append(found, in(u, change))
	}
	for _, u := range was {
		if !has(is, u) {
			found = append(found, in(u, Removed))
		}
	}
	return found
}

// money is the cost in a cell of the table at the top.
func money(c Cost, compared bool) string {
	sum := fmt.Sprintf("$%.2f", c.After)
	if compared && c.Before != c.After {
		sum = fmt.Sprintf("$%.2f → $%.2f", c.Before, c.After)
	}
	switch {
	case compared && c.Incomparable:
		names := make([]string, 0, len(c.Apart))
		for _, name := range c.Apart {
			names = append(names, code(cut(name, longest)))
		}
		sum += fmt.Sprintf(", **not comparable**: no price, on one side or both, for %s",
			strings.Join(few(names), ", "))
		if c.Difference != 0 {
			sum += fmt.Sprintf("; all else: **%+.2f**", c.Difference)
		}
	case compared && c.Difference != 0:
		sum += fmt.Sprintf(" (**%+.2f**)", c.Difference)
	case compared && c.Before == c.After:
		sum += ", unchanged"
	}
	switch {
	case c.Region == "":
		return "**not known**, as the stack's configuration sets no region; all else " + sum
	case c.NoPrices:
		return "**not known**, as there are no prices of " + code(cut(c.Region, longest)) + "; all else " + sum
	case slices.ContainsFunc(c.Unpriced, func(u Unpriced) bool { return u.Change != Removed }):
		sum += ", **without what has no price here**"
	}
	return sum
}

// manyAlike is how many lines that differ in nothing but the resource are one.
const manyAlike = 4

// costs are the tables of what the stack costs.
func (e Environment) costs() string {
	c := e.Cost
	table := markdown.NewTable("What", "Resource", "before:", "after:")
	compared := !e.New && e.BaseFault == nil
	for _, l := range alikeLines(c.Lines) {
		what := cmp.Or(l.After, l.Before)
		if l.Before != l.After && l.Before != "" && l.After != "" && compared {
			what = l.Before + " → " + l.After
		}
		was, is := fmt.Sprintf("%.2f", l.Was), fmt.Sprintf("%.2f", l.Is)
		switch {
		case !compared:
			was = "–"
		case l.Apart && l.Before == "":
			was = "no price"
		case l.Apart && l.After == "":
			is = "no price"
		case l.Was != l.Is:
			is = "**" + is + "**"
		}
		table.Row(markdown.Plain(what), listed(l.resources), was, is)
	}
	sum := fmt.Sprintf("%.2f", c.Before)
	if !compared {
		sum = "–"
	}
	table.Row("**Sum**, $ a month while nobody uses it", "", "**"+sum+"**", fmt.Sprintf("**%.2f**", c.After))
	var b strings.Builder
	b.WriteString(table.String())
	if len(c.Unpriced) > 0 {
		b.WriteString("\n**Not in the sum, because no price is known:**\n\n")
		for _, u := range alikeUnpriced(c.Unpriced) {
			fmt.Fprintf(&b, "- %s: %s\n", strings.TrimSpace(sign(u.Change)+" "+listed(u.resources)), sentence(u.What))
		}
	}
	table = markdown.NewTable("", "What use costs on top", "$:", "for each")
	for _, u := range c.Uses {
		price := "not known"
		if u.Price > 0 {
			price = fmt.Sprint(u.Price)
		}
		table.Row(sign(u.Change), markdown.Plain(u.What), price, markdown.Plain(u.Unit))
	}
	return b.String() + "\n" + table.String()
}

// listed are the names of resources in a cell.
func listed(names []string) string {
	var all []string
	for _, name := range names {
		all = append(all, code(name))
	}
	if len(all) > manyAlike {
		all = append(all[:manyAlike-1], fmt.Sprintf("%d more", len(all)-manyAlike+1))
	}
	return strings.Join(all, ", ")
}

// costLinesAlike are lines that differ in nothing but the resource, with the sums of all.
type costLinesAlike struct {
	CostLine
	resources []string
}

// alikeLines puts lines together that differ in nothing but the resource, if they are many.
func alikeLines(lines []CostLine) []costLinesAlike {
	count := map[CostLine]int{}
	kind := func(l CostLine) CostLine { l.Resource = ""; return l }
	for _, l := range lines {
		count[kind(l)]++
	}
	var all []costLinesAlike
	at := map[CostLine]int{}
	for _, l := range lines {
		k, n := kind(l), count[kind(l)]
		if n < manyAlike {
			all = append(all, costLinesAlike{l, []string{l.Resource}})
			continue
		}
		i, seen := at[k]
		if !seen {
			i, at[k] = len(all), len(all)
			each := fmt.Sprintf(", each of %d", n)
			if l.Before != "" {
				l.Before += each
			}
			if l.After != "" {
				l.After += each
			}
			l.Was, l.Is = l.Was*float64(n), l.Is*float64(n)
			all = append(all, costLinesAlike{CostLine: l})
		}
		all[i].resources = append(all[i].resources, l.Resource)
	}
	return all
}

// unpricedAlike is what has no price for one reason.
type unpricedAlike struct {
	Unpriced
	resources []string
}

func alikeUnpriced(all []Unpriced) []unpricedAlike {
	var found []unpricedAlike
	at := map[Unpriced]int{}
	for _, u := range all {
		k := Unpriced{Change: u.Change, What: u.What}
		i, seen := at[k]
		if !seen {
			i, at[k] = len(found), len(found)
			found = append(found, unpricedAlike{Unpriced: k})
		}
		found[i].resources = append(found[i].resources, u.Resource)
	}
	return found
}

// origin tells what prices were taken from, and what they leave out.
func (t PriceTable) origin() string {
	regions := t.Regions
	if len(regions) > 6 {
		regions = append(slices.Clone(regions[:5]), fmt.Sprintf("%d more", len(regions)-5))
	}
	return fmt.Sprintf("Prices: lists of %s, %s, in US dollars, from %s. Not counted: %s.\n",
		markdown.Plain(strings.Join(regions, ", ")), markdown.Plain(t.Date), code(t.Source),
		markdown.Plain(strings.Join(t.NotCounted, "; ")))
}
