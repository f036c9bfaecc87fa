package plan

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"dossier.example/plan/graph"
	"dossier.example/plan/graph/graphtest"
)

// many makes a stack of so many resources, which change makes differ.
func many(t *testing.T, number int, change bool) *graph.Graph {
	t.Helper()
	b := graphtest.New(t)
	tag := map[bool]string{false: "a", true: "b"}[change]
	for i := range number / 4 {
		name := fmt.Sprint("x", i)
		bucket := b.Add("s3/bucketV2:BucketV2", name, in{"tags": in{"owner": tag}})
		b.Add("s3/bucketVersioningV2:BucketVersioningV2", name, in{"bucket": bucket.ID})
		b.Add("ec2/natGateway:NatGateway", name, in{"subnetId": "s", "tags": in{"owner": tag}})
		b.Add("ssm/parameter:Parameter", name, in{"value": tag})
	}
	return b.Graph()
}

// allocated is how much memory a function asks for, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMany: a plan of 1,000 resources asks for memory in proportion to them, and tells what is alike once.
func TestMany(t *testing.T) {
	of := func(number int) (memory uint64, text string) {
		base, head := many(t, number, false), many(t, number, true)
		memory = allocated(func() { text = between(base, head).Markdown() })
		return memory, text
	}
	of(100) // what is made once
	small, _ := of(250)
	large, text := of(1000)
	if large > 8*small {
		t.Errorf("250 resources ask for %d bytes, 1,000 for %d: more than twice in proportion", small, large)
	}
	if !strings.Contains(text, "| NAT gateway, $0.045 per hour, each of 250 | `x0`, `x1`, `x10`, 247 more | 8212.50 | "+
		"8212.50 |") {
		t.Errorf("the cost of what is alike is not one line:\n%s", text)
	}
}
