package plan

import "testing"

// TestEverything: a part of a bucket's name stands for buckets that nobody named, a whole one for one.
func TestEverything(t *testing.T) {
	for resource, want := range map[string]bool{
		"*":                              true,
		"arn:aws:s3:::*":                 true,
		"arn:aws:s3:::m*":                true,
		"arn:aws:s3:::*-prod/*":          true,
		"arn:aws:s3:::files-?/*":         true,
		"arn:aws:s3:::files/a/*":         false,
		"arn:aws:s3:::files":             false,
		"arn:aws:sqs:us-east-1:1:jobs-*": false,
	} {
		if got := everything(resource); got != want {
			t.Errorf("%s: %t, want %t", resource, got, want)
		}
	}
}
