package moto

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want map[string]any
		got  fields
		// differ are the paths that are expected to.
		differ []string
	}{
		"as sent":                {want: map[string]any{"a": "x", "n": 3.0, "is": true}, got: fields{"a": aws.String("x"), "n": aws.Int32(3), "is": aws.Bool(true)}},
		"more than sent":         {want: map[string]any{"a": "x"}, got: fields{"a": "x", "b": "y"}},
		"lost":                   {want: map[string]any{"a": "x", "m": map[string]any{"n": 3.0}}, got: fields{"a": "x"}, differ: []string{"m.n"}},
		"changed":                {want: map[string]any{"m": map[string]any{"is": true, "a": "x"}}, got: fields{"m": fields{"is": false, "a": "x"}}, differ: []string{"m.is"}},
		"absent is as empty":     {want: map[string]any{"a": ""}, got: fields{"a": (*string)(nil)}},
		"absent is not false":    {want: map[string]any{"is": false}, got: fields{}, differ: []string{"is"}},
		"lists in another order": {want: map[string]any{"l": []any{"x", "y"}}, got: fields{"l": []string{"y", "x"}}},
		"a list that lost one":   {want: map[string]any{"l": []any{"x", "y"}}, got: fields{"l": []string{"x"}}, differ: []string{"l"}},
		"a list with one more":   {want: map[string]any{"l": []any{"x"}}, got: fields{"l": []string{"x", "y"}}, differ: []string{"l"}},
		"twice the same":         {want: map[string]any{"l": []any{"x", "y"}}, got: fields{"l": []string{"x", "x"}}, differ: []string{"l"}},
		"lists of maps": {
			want: map[string]any{"l": []any{map[string]any{"k": "x", "v": 1.0}, map[string]any{"k": "y", "v": 2.0}}},
			got:  fields{"l": []fields{{"k": "y", "v": 2}, {"k": "x", "v": 1, "more": true}}},
		},
		"lists of maps, mixed up": {
			want:   map[string]any{"l": []any{map[string]any{"k": "x", "v": 1.0}, map[string]any{"k": "y", "v": 2.0}}},
			got:    fields{"l": []fields{{"k": "y", "v": 1}, {"k": "x", "v": 2}}},
			differ: []string{"l"},
		},
		"JSON that says the same": {want: map[string]any{"p": `{"a": 1, "b": [2]}`}, got: fields{"p": `{"b":[2],"a":1}`}},
		"JSON that does not":      {want: map[string]any{"p": `{"a": 1}`}, got: fields{"p": `{"a":2}`}, differ: []string{"p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var differ []string
			compare("", c.want, plain(c.got), func(d difference, same bool) {
				if !same {
					differ = append(differ, d.path)
				}
			})
			if !slices.Equal(differ, c.differ) {
				t.Errorf("what differs is %q, want %q", differ, c.differ)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	n := &names{}
	n.set("arn:aws:x:::bucket-1", "arn:aws:x:::other")
	n.set("bucket-1", "b")
	got := n.in("resource", map[string]any{"policy": `{"Resource": ["arn:aws:x:::bucket-1/*", "bucket-1"]}`, "number": 1.0})
	want := map[string]any{"policy": `{"Resource": ["arn:aws:x:::other/*", "b"]}`, "number": 1.0}
	if !same(want, got) {
		t.Errorf("the text with real names is %v, want %v", got, want)
	}
}

func TestWasSent(t *testing.T) {
	t.Parallel()
	requests := []any{&ec2.CreateLaunchTemplateInput{LaunchTemplateData: &types.RequestLaunchTemplateData{
		NetworkInterfaces: []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{DeviceIndex: aws.Int32(0), Groups: []string{"a", "b"}}},
	}}}
	for _, c := range []struct {
		field string
		value any
		want  bool
	}{
		{"DeviceIndex", 0.0, true},
		{"DeviceIndex", 1.0, false},
		{"Groups", []any{"b", "a"}, true},
		{"Groups", []any{"a"}, false},
		{"SubnetId", "subnet-1", false},
	} {
		if got := wasSent(requests, c.field, c.value); got != c.want {
			t.Errorf("that %s was sent as %v is told to be %t", c.field, c.value, got)
		}
	}
}
