package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestFollows: which condition holds wherever another does, for each family of operators.
func TestFollows(t *testing.T) {
	of := func(operator, values string) string { return `{"` + operator + `":{"aws:Key":` + values + `}}` }
	for _, c := range []struct {
		name, a, b string
		want       bool
	}{
		{"spares less", of("StringNotEquals", `"a"`), of("StringNotEquals", `["a","b"]`), true},
		{"spares more", of("StringNotEquals", `["a","b"]`), of("StringNotEquals", `"a"`), false},
		{"spares another", of("StringNotEquals", `"b"`), of("StringNotEquals", `"a"`), false},
		{"spares a value of the pattern", of("StringNotEquals", `"ab"`), of("StringNotLike", `"a*"`), true},
		{"spares a pattern of the value", of("StringNotLike", `"a*"`), of("StringNotEquals", `"ab"`), false},
		{"spares fewer addresses", of("NotIpAddress", `"10.1.0.0/16"`), of("NotIpAddress", `"10.0.0.0/8"`), true},
		{"spares more addresses", of("NotIpAddress", `"10.0.0.0/8"`), of("NotIpAddress", `"10.1.0.0/16"`), false},
		{"spares fewer ARNs", of("ArnNotLike", `"arn:aws:s3:::a"`), of("ArnNotLike", `"arn:aws:s3:::*"`), true},
		{"a lower bound that falls", of("NumericGreaterThan", `"1"`), of("NumericGreaterThan", `"5"`), true},
		{"a lower bound that rises", of("NumericGreaterThan", `"5"`), of("NumericGreaterThan", `"1"`), false},
		{"an upper bound that rises", of("NumericLessThan", `"3600"`), of("NumericLessThan", `"900"`), true},
		{"an upper bound that falls", of("NumericLessThan", `"900"`), of("NumericLessThan", `"3600"`), false},
		{"the bound itself", of("NumericLessThanEquals", `5`), of("NumericLessThan", `5`), true},
		{"without the bound", of("NumericLessThan", `5`), of("NumericLessThanEquals", `5`), false},
		{"a number below", of("NumericLessThan", `5`), of("NumericEquals", `4`), true},
		{"a number above", of("NumericLessThan", `5`), of("NumericEquals", `6`), false},
		{"a bound on the other side", of("NumericLessThan", `5`), of("NumericGreaterThan", `4`), false},
		{"one number of many", of("NumericEquals", `["4","5"]`), of("NumericEquals", `"5.0"`), true},
		{"a later end", of("DateLessThan", `"2031-01-01T00:00:00Z"`), of("DateLessThan", `"2030-01-01"`), true},
		{"an earlier end", of("DateLessThan", `"2030-01-01"`), of("DateLessThan", `"2031-01-01T00:00:00Z"`), false},
		{"a date that nobody reads", of("DateLessThan", `"soon"`), of("DateLessThan", `"2030-01-01"`), false},
		{"numbers for a date", of("NumericLessThan", `"5"`), of("DateLessThan", `"4"`), false},
		{"any letters", of("StringEqualsIgnoreCase", `"A"`), of("StringEquals", `"a"`), true},
		{"these letters", of("StringEquals", `"a"`), of("StringEqualsIgnoreCase", `"a"`), false},
		{"a star that is one", of("StringEquals", `"a*"`), of("StringLike", `"a*"`), false},
		{"another word for true", of("Bool", `"True"`), of("Bool", `true`), true},
		{"where there is a value", of("BoolIfExists", `"true"`), of("Bool", `"true"`), true},
		{"where there has to be one", of("Bool", `"true"`), of("BoolIfExists", `"true"`), false},
		{"a negation holds without a value", of("StringNotEqualsIfExists", `"a"`), of("StringNotEquals", `"a"`), true},
		{"so the other way", of("StringNotEquals", `"a"`), of("StringNotEqualsIfExists", `"a"`), true},
		{"all of none", of("ForAllValues:StringLike", `"a*"`), of("StringLike", `"a*"`), true},
		{"one at least", of("StringLike", `"a*"`), of("ForAllValues:StringLike", `"a*"`), false},
		{"all of some", of("ForAllValues:StringLike", `"a*"`), of("ForAnyValue:StringLike", `"a*"`), false},
		{"any of several", of("ForAnyValue:StringEquals", `["a","b"]`), of("ForAnyValue:StringEquals", `"a"`), true},
		{"there is one", of("Null", `"false"`), of("StringLike", `"a*"`), true},
		{"there may be one", of("Null", `"false"`), of("StringLikeIfExists", `"a*"`), false},
		{"there is none", of("StringNotEquals", `"a"`), of("Null", `"true"`), true},
		{"none was asked", of("StringEquals", `"a"`), of("Null", `"true"`), false},
		{"there is none, where there was", of("Null", `"true"`), of("Null", `"false"`), false},
		{"another family", of("IpAddress", `"10.0.0.0/8"`), of("StringEquals", `"10.0.0.0/8"`), false},
	} {
		if got := looser(c.a, c.b); got != c.want {
			t.Errorf("%s: %t, want %t: %s for %s", c.name, got, c.want, c.a, c.b)
		}
	}
}

// TestNegatedConditions: what spares more denies less and allows more.
func TestNegatedConditions(t *testing.T) {
	policy := func(effect, condition string) string {
		return statements(`{"Effect":"` + effect + `","Principal":"*","Action":"s3:*","Resource":"*","Condition":` +
			condition + `}`)
	}
	const one, two_ = `{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`,
		`{"StringNotEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}`
	const short, long = `{"NumericLessThan":{"aws:MultiFactorAuthAge":"900"}}`,
		`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`
	for _, c := range []struct {
		name, was, is string
		want          [][2]string
	}{
		{"denies less", policy("Deny", one), policy("Deny", two_), [][2]string{{"no longer denied", "everyone"}}},
		{"denies more", policy("Deny", two_), policy("Deny", one), [][2]string{{stops, "newly denies"}}},
		{"spares more addresses", policy("Deny", `{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`),
			policy("Deny", `{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","198.51.100.0/24"]}}`),
			[][2]string{{"no longer denied", "everyone"}}},
		{"allows more", policy("Allow", two_), policy("Allow", one), [][2]string{{exposes, "everyone"}}},
		{"allows less", policy("Allow", one), policy("Allow", two_), [][2]string{{stops, "no longer allows"}}},
		{"for longer", policy("Allow", short), policy("Allow", long), [][2]string{{exposes, "everyone"}}},
		{"for less long", policy("Allow", long), policy("Allow", short), [][2]string{{stops, "no longer allows"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, head := two(t, func(b *graphtest.Builder) {
				b.Add("s3/bucketPolicy:BucketPolicy", "x", in{"bucket": "b", "policy": c.was})
			}, func(b *graphtest.Builder) { b.Set("s3/bucketPolicy:BucketPolicy", "x", "policy", c.is) })
			tells(t, between(base, head).Environments[0].Dangers, c.want)
		})
	}
}
