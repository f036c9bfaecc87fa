package drawing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"dossier.example/plan/graph"
)

// mostLines is how many lines of a node name parts of what it stands for; mostPlaces is how many places of a kind have
// a node each, unless there are more than mostAlone in all: then fewPlaces.
const (
	mostLines  = 8
	mostPlaces = 8
	mostAlone  = 24
	fewPlaces  = 2
)

// name gives every place the id of its node. Two places share one only where their kind has so many that one node
// stands for all of them in an area; NATs always do.
func (d *draft) name() {
	of := map[graph.Kind]int{}
	for _, p := range d.places {
		of[p.Kind]++
	}
	most, alone := mostPlaces, 0
	for kind, n := range of {
		if kind != graph.KindNAT && n <= mostPlaces {
			alone += n
		}
	}
	if alone > mostAlone {
		most = fewPlaces
	}
	taken := map[string]bool{id(string(graph.KindNAT)): true}
	for _, used := range reserved {
		taken[used] = true
	}
	for _, p := range d.places {
		switch own := id(p.Name); {
		case p.Kind == graph.KindNAT:
			d.ids[p.Name] = id(string(graph.KindNAT))
		case of[p.Kind] > most:
			d.ids[p.Name] = crowd(p.Kind, d.area(p))
		case taken[own]:
			d.ids[p.Name] = distinct(own, p.Resource.URN)
		default:
			d.ids[p.Name], taken[own] = own, true
		}
	}
}

// crowd is the id of the node that stands for all places of a kind in an area. No name gives it: id makes no capitals.
func crowd(kind graph.Kind, area Area) string {
	return fmt.Sprintf("%s_%s_ALL", id(string(kind)), area)
}

// distinct is an id that differs from that of another part whose name gives the same.
func distinct(own, by string) string {
	sum := sha256.Sum256([]byte(by))
	return own + "_X" + hex.EncodeToString(sum[:4])
}

// at is the id of the node of a name in the table of who can reach whom: of a place, or of what is outside the network.
func (d *draft) at(name string) string {
	if known := d.ids[name]; known != "" {
		return known
	}
	own := id(name)
	for _, other := range d.ids {
		if other == own {
			return distinct(own, name)
		}
	}
	return own
}

// area is where a place stands.
func (d *draft) area(p graph.Place) Area {
	if slices.ContainsFunc(p.Subnets, d.graph.Public) {
		return Public
	}
	return Private
}

// say adds a line that is not there yet.
func (n *Node) say(line string) {
	if !slices.Contains(n.Lines, line) {
		n.Lines = append(n.Lines, line)
	}
}

// shorten leaves out lines that are too many.
func (n *Node) shorten() {
	if rest := len(n.Lines) - mostLines - 1; rest > 1 {
		n.Lines = append(n.Lines[:len(n.Lines)-rest], fmt.Sprintf("%d more", rest))
	}
}
