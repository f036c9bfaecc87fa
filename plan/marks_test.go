package plan

import (
	"strings"
	"testing"

	"dossier.example/plan/graph/graphtest"
)

// TestKeyTypes: a key that stays where it is keeps the type that it has, whatever the program says.
func TestKeyTypes(t *testing.T) {
	const table = "dynamodb/table:Table"
	attributes := func(types string) []any {
		var all []any
		for i, name := range []string{"id", "at", "mail"} {
			all = append(all, in{"name": name, "type": types[i : i+1]})
		}
		return all
	}
	with := func(types, index string) in {
		return in{"hashKey": "id", "rangeKey": "at", "attributes": attributes(types),
			"globalSecondaryIndexes": several(in{"name": index, "hashKey": "mail", "projectionType": "ALL"})}
	}
	const source = "dynamodb/table.go: attribute, Set; issue 23618"
	for _, c := range []fresh{
		{"the hash key", source, table, with("SNS", "i"), with("NNS", "i"), Update,
			[][2]string{{stops, "`id` stays S (not N)"}}},
		{"the range key", source, table, with("SNS", "i"), with("SSS", "i"), Update,
			[][2]string{{stops, "`at` stays N (not S)"}}},
		{"the key of an index", source, table, with("SNS", "i"), with("SNB", "i"), Update,
			[][2]string{{stops, "`mail` stays S (not B)"}}},
		{"the key of a local index", source, table,
			in{"hashKey": "id", "rangeKey": "at", "attributes": attributes("SNS"),
				"localSecondaryIndexes": several(in{"name": "l", "rangeKey": "mail", "projectionType": "ALL"})},
			in{"hashKey": "id", "rangeKey": "at", "attributes": attributes("SNN"),
				"localSecondaryIndexes": several(in{"name": "l", "rangeKey": "mail", "projectionType": "ALL"})}, Update,
			[][2]string{{stops, "`mail` stays S (not N)"}}},
		{"an attribute more, and an index", "dynamodb/table.go: UpdateTable", table,
			in{"hashKey": "id", "attributes": several(in{"name": "id", "type": "S"})},
			in{"hashKey": "id", "attributes": several(in{"name": "id", "type": "S"}, in{"name": "b", "type": "N"}),
				"globalSecondaryIndexes": several(in{"name": "i", "hashKey": "b", "projectionType": "ALL"})}, Update,
			nil},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
	t.Run("another index with another type", func(t *testing.T) {
		base, head := two(t, func(b *graphtest.Builder) { b.Add(table, "x", with("SNS", "i")) },
			func(b *graphtest.Builder) { b.Remove(table, "x").Add(table, "x", with("SNN", "j")) })
		for _, d := range between(base, head).Environments[0].Dangers {
			if strings.Contains(d.What, "stays") {
				t.Errorf("a key that is made anew is told: %s", d)
			}
		}
	})
}

// TestRestartsAndRefusals: what AWS leaves to others to restart, what it refuses to delete, and what becomes of the
// instances of a group.
func TestRestartsAndRefusals(t *testing.T) {
	const (
		database, node = "rds/instance:Instance", "rds/clusterInstance:ClusterInstance"
		balancer, zone = "lb/loadBalancer:LoadBalancer", "route53/zone:Zone"
		images, vault  = "ecr/repository:Repository", "backup/vault:Vault"
		group          = "autoscaling/group:Group"
		parameters     = "RDS: USER_WorkingWithParamGroups.Associating"
		protection     = "ELB: API_DeleteLoadBalancer, deletion protection"
	)
	for _, c := range []fresh{
		{"other parameters", parameters, database, in{"parameterGroupName": "a"}, in{"parameterGroupName": "b"}, Update,
			[][2]string{{stops, "do not hold until somebody restarts it"}}},
		{"other parameters of a node", parameters, node, in{"dbParameterGroupName": "a"},
			in{"dbParameterGroupName": "b"},
			Update, [][2]string{{stops, "do not hold until somebody restarts it"}}},
		{"other parameters by a copy", "RDS: blue-green-deployments", database,
			in{"parameterGroupName": "a", "blueGreenUpdate": in{"enabled": true}},
			in{"parameterGroupName": "b", "blueGreenUpdate": in{"enabled": true}}, Update,
			[][2]string{{stops, "switches over"}}},
		{"other parameters with a restart", "RDS: USER_RebootInstance", database,
			in{"parameterGroupName": "a", "instanceClass": "db.t4g.micro"},
			in{"parameterGroupName": "b", "instanceClass": "db.t4g.small"}, Update,
			[][2]string{{stops, "restarts on other hardware (`instanceClass`: db.t4g.micro → db.t4g.small)."}}},

		{"a balancer of another name", protection, balancer, in{"name": "a", "enableDeletionProtection": true},
			in{"name": "b", "enableDeletionProtection": true}, Replace,
			[][2]string{{"address replaced", "AWS refuses, because of its deletion protection"}}},
		{"a balancer that goes", protection, balancer, in{"enableDeletionProtection": true}, nil, Delete,
			[][2]string{{"address deleted", "AWS refuses, because of its deletion protection"}}},
		{"a balancer that may go", protection, balancer, in{}, nil, Delete,
			[][2]string{{"address deleted", "that is the site's address."}}},
		{"images", "ECR: RepositoryNotEmptyException", images, in{}, nil, Delete,
			[][2]string{{"data deleted", "AWS refuses while it contains images"}}},
		{"images that go with it", "ecr/repository.go: force_delete", images, in{"forceDelete": true}, nil, Delete,
			[][2]string{{"data deleted", "its images with it."}}},
		{"a zone", "Route 53: HostedZoneNotEmpty", zone, in{}, nil, Delete,
			[][2]string{{"address deleted", "AWS refuses while it contains names that the program does not make"}}},
		{"a zone that goes with its names", "route53/zone.go: force_destroy", zone, in{"forceDestroy": true}, nil,
			Delete,
			[][2]string{{"address deleted", "with them all names."}}},
		{"a vault", "Backup: DeleteBackupVault", vault, in{}, nil, Delete,
			[][2]string{{"data deleted", "AWS refuses while it contains backups"}}},

		{"a group", "autoscaling/group.go: Delete", group, in{"maxSize": 2, "minSize": 1}, nil, Delete,
			[][2]string{{"foundation deleted", "all its instances stop, and no others start."}}},
		{"a group under its name", "autoscaling/group.go: name, ForceNew",
			group, in{"name": "a", "maxSize": 2, "minSize": 1, "placementGroup": "p"},
			in{"name": "b", "maxSize": 2, "minSize": 1, "placementGroup": "p"}, Replace,
			[][2]string{{"foundation replaced", "new instances start, and then all the former ones stop."}}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t) })
	}
	t.Run("a group that goes first", func(t *testing.T) {
		base, head := two(t, func(b *graphtest.Builder) {
			b.Add(group, "x", in{"name": "a"}).Options.DeleteBeforeReplace = true
		}, func(b *graphtest.Builder) { b.Set(group, "x", "name", "b") })
		tells(t, between(base, head).Environments[0].Dangers, [][2]string{{"foundation replaced",
			"all instances stop at once"}})
	})
}
