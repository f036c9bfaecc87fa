package plan

import (
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestCapacityThatIsGiven: numbers that are judged by what holds where the program gives none, or with others.
func TestCapacityThatIsGiven(t *testing.T) {
	const (
		database, group = "rds/instance:Instance", "autoscaling/group:Group"
		alarm           = "cloudwatch/metricAlarm:MetricAlarm"
		gp3             = "RDS: CHAP_Storage, gp3"
		refresh         = "EC2 Auto Scaling: API_RefreshPreferences, MinHealthyPercentage"
		operator        = "CloudWatch: API_PutMetricAlarm, ComparisonOperator"
	)
	disk := func(engine string, size int, more in) in {
		all := in{"engine": engine, "storageType": "gp3", "allocatedStorage": size}
		for key, v := range more {
			all[key] = v
		}
		return all
	}
	healthy := func(least int) in {
		return in{"maxSize": 4, "instanceRefresh": in{"strategy": "Rolling",
			"preferences": in{"minHealthyPercentage": least}}}
	}
	when := func(operator string) in { return in{"threshold": 5, "comparisonOperator": operator} }
	for _, c := range []fresh{
		{"fewer than a small disk has", gp3, database, disk("mysql", 100, in{"iops": 6000}), disk("mysql", 100, nil),
			Update,
			[][2]string{{shrinks, "3000 operations of its storage a second instead of 6000"}}},
		{"fewer than a large disk has", gp3, database, disk("postgres", 400, in{"iops": 16000}),
			disk("postgres", 400, nil),
			Update, [][2]string{{shrinks, "12000 operations of its storage a second instead of 16000"}}},
		{"fewer of another engine", gp3, database, disk("sqlserver-se", 900, in{"iops": 12000}),
			disk("sqlserver-se", 900, nil), Update, [][2]string{{shrinks, "3000 operations"}}},
		{"as many as it has by itself", gp3, database, disk("mysql", 400, in{"iops": 12000}), disk("mysql", 400, nil),
			Update,
			nil},
		{"as many, of another engine", gp3, database, disk("oracle-se2", 200, in{"iops": 12000}),
			disk("oracle-se2", 200, nil), Update, nil},
		{"more than it has by itself", gp3, database, disk("mysql", 100, nil), disk("mysql", 100, in{"iops": 6000}),
			Update,
			nil},

		{"none serves meanwhile", refresh, group, healthy(90), healthy(0), Update,
			[][2]string{{shrinks, "at least 0 percent of its instances serve while they are exchanged instead of 90"}}},
		{"none serves, newly", refresh, group, in{"maxSize": 4}, healthy(0), Update,
			[][2]string{{shrinks, "at least 0 percent"}}},
		{"fewer than by itself", refresh, group, in{"maxSize": 4, "instanceRefresh": in{"strategy": "Rolling"}},
			healthy(50),
			Update, [][2]string{{shrinks, "at least 50 percent of its instances serve while they are exchanged " +
				"instead of 90"}}},
		{"more serve", refresh, group, healthy(50), healthy(100), Update, nil},
		{"nothing is exchanged any longer", refresh, group, healthy(100), in{"maxSize": 4}, Update, nil},

		{"at the threshold, too", operator, alarm, when("GreaterThanThreshold"), when("GreaterThanOrEqualToThreshold"),
			Update,
			nil},
		{"at the lower one, too", operator, alarm, when("LessThanThreshold"), when("LessThanOrEqualToThreshold"),
			Update,
			nil},
		{"above it only", operator, alarm, when("GreaterThanOrEqualToThreshold"), when("GreaterThanThreshold"), Update,
			[][2]string{{hides, "another condition"}}},
		{"below it", operator, alarm, when("GreaterThanThreshold"), when("LessThanOrEqualToThreshold"), Update,
			[][2]string{{hides, "another condition"}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
}

// TestLeftBehind: what AWS keeps of what the program drops is told where it holds data.
func TestLeftBehind(t *testing.T) {
	for kind, want := range map[string][][2]string{
		"dynamodb/table:Table": {{"data left behind", "is no longer in the program; AWS keeps it with its records"}},
		"sns/topic:Topic":      nil,
	} {
		base, head := two(t, func(b *graphtest.Builder) { b.Add(kind, "x", in{}).Options.RetainOnDelete = true },
			func(b *graphtest.Builder) { b.Remove(kind, "x") })
		tells(t, between(base, head).Environments[0].Dangers, want)
	}
}
