package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// refused checks that an attempt is refused for a reason.
func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got the error %v, want %q", what, err, want)
	}
}

func TestServiceRoles(t *testing.T) {
	w := world{NewCloud(), t}
	_, err := w.try(balancerType, "first", in{"name": "first"})
	refused(t, "a load balancer in a new account", err, "service linked role of elasticloadbalancing.amazonaws.com")
	whole, at := wholeWorld(t)
	delete(whole.account.serviceRoles, "rds.amazonaws.com")
	delete(whole.account.serviceRoles, "autoscaling.amazonaws.com")
	database := at["database"].Inputs.Copy()
	database["identifier"] = resource.NewProperty("second")
	delete(database, "enabledCloudwatchLogsExports")
	_, _, err = whole.create(urnOf(databaseType, "second"), database)
	refused(t, "a database", err, "service linked role of rds.amazonaws.com")
	group := at["app"].Inputs.Copy()
	group["name"] = resource.NewProperty("second")
	_, _, err = whole.create(urnOf(groupType, "second"), group)
	refused(t, "a group", err, "service linked role of autoscaling.amazonaws.com")
}

func TestFreePlan(t *testing.T) {
	for _, c := range []struct {
		name, token, at string
		changed         in
		want            string
	}{
		{"a type that is not eligible", instanceType, "instance", in{"instanceType": "t4g.nano"},
			"not eligible for Free Tier"},
		{"one that is", instanceType, "instance", in{"instanceType": "t4g.small"}, ""},
		{"backups of two days", databaseType, "database", in{"identifier": "new", "backupRetentionPeriod": 2},
			"backup retention period exceeds"},
		{"a larger database", databaseType, "database", in{"identifier": "new", "instanceClass": "db.t4g.small"},
			"instance size isn't available"},
		{"a standby", databaseType, "database", in{"identifier": "new", "multiAz": true},
			"instance size isn't available"},
		{"a small one", databaseType, "database", in{"identifier": "new", "backupRetentionPeriod": 1}, ""},
	} {
		w, at := wholeWorld(t)
		w.FreePlan()
		inputs := at[c.at].Inputs.Copy()
		delete(inputs, "enabledCloudwatchLogsExports")
		for key, v := range c.changed.properties() {
			inputs[key] = v
		}
		_, _, err := w.create(urnOf(c.token, "new"), inputs)
		if c.want != "" {
			refused(t, c.name, err, c.want)
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestZonesWithoutAType(t *testing.T) {
	w, at := wholeWorld(t)
	inputs := at["instance"].Inputs.Copy()
	w.Lack("us-east-1b", inputs["instanceType"].StringValue())
	_, _, err := w.create(urnOf(instanceType, "new"), inputs)
	refused(t, "an instance in a zone without its type", err,
		"is not supported in your requested Availability Zone (us-east-1b)")
	answer, err := w.invoke("aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings", in{
		"locationType": "availability-zone", "filters": list(in{"name": "instance-type", "values": list("t4g.micro")}),
	}.properties())
	if err != nil {
		t.Fatal(err)
	}
	var zones []string
	for _, zone := range answer["locations"].ArrayValue() {
		zones = append(zones, zone.StringValue())
	}
	if want := []string{"us-east-1a", "us-east-1d", "us-east-1e",
		"us-east-1f"}; inputs["instanceType"].StringValue() == "t4g.micro" && !slices.Equal(zones, want) {
		t.Errorf("t4g.micro is offered in %v, want %v", zones, want)
	}
}

func TestDraining(t *testing.T) {
	w, at := wholeWorld(t)
	app := at["app"]
	refused(t, "a delete with less time than targets take", w.delete(resource.URN(app.URN), app.ID, 5*time.Minute),
		"timeout while waiting for state")
	if err := w.delete(resource.URN(app.URN), app.ID, 8*time.Minute); err != nil {
		t.Fatal(err)
	}
	events := w.Events()
	// 300 seconds by default, and the end of an instance
	if takes := events[len(events)-1].Takes; takes != 7*time.Minute {
		t.Errorf("the group took %v to go", takes)
	}
}

func TestMajorUpgrade(t *testing.T) {
	w, at := wholeWorld(t)
	database := at["database"]
	next := database.Inputs.Copy()
	next["engineVersion"] = resource.NewProperty("9.7")
	_, err := w.update(resource.URN(database.URN), database.ID, database.Inputs, next)
	refused(t, "a major version that nobody allowed", err, "AllowMajorVersionUpgrade flag must be present")
	next["allowMajorVersionUpgrade"] = resource.NewProperty(true)
	if _, err := w.update(resource.URN(database.URN), database.ID, database.Inputs, next); err == nil ||
		!strings.Contains(err.Error(), "parameter group's family") {
		t.Errorf("one that is allowed, with the parameters of the old one: %v", err)
	}
	back := database.Inputs.Copy()
	back["engineVersion"], back["allowMajorVersionUpgrade"] = resource.NewProperty("8.0"), resource.NewProperty(true)
	_, err = w.update(resource.URN(database.URN), database.ID, database.Inputs, back)
	refused(t, "an earlier major version", err, "Cannot upgrade mysql from 8.4 to 8.0")
	minor := database.Inputs.Copy()
	minor["engineVersion"] = resource.NewProperty("8.4.7")
	if _, err := w.update(resource.URN(database.URN), database.ID, database.Inputs, minor); err != nil {
		t.Errorf("a minor version: %v", err)
	}
}

func TestFlowLogs(t *testing.T) {
	w, at := wholeWorld(t)
	logs := w.add(logGroupType, "flow", in{"name": "/flow"})
	w.add(flowLogType, "by role",
		in{"vpcId": at["vpc"].ID, "trafficType": "REJECT", "iamRoleArn": at["role"].output("arn"),
			"logDestination": logs.output("arn")})
	w.add(flowLogType, "to a bucket that does not let it", in{
		"vpcId": at["vpc"].ID, "trafficType": "ALL", "logDestinationType": "s3",
		"logDestination": "arn:aws:s3:::logs/flow/",
	})
	if broken := w.Broken(); len(broken) != 2 || !strings.Contains(broken[0], "is not visible to the flow log yet") ||
		!strings.Contains(broken[1], "does not let the flow log deliver") {
		t.Errorf("broken are %q", broken)
	}
}

func TestAlarmsWithoutData(t *testing.T) {
	w, at := wholeWorld(t)
	alarm := good[alarmType].with(in{"treatMissingData": "breaching", "dimensions": in{"DBInstanceIdentifier": "db"},
		"alarmActions": list(at["topic"].ID)})
	w.add(alarmType, "early", alarm.with(in{"name": "early"}))
	w.add(localCommandType, "schema", in{"create": "migrate"})
	w.add(alarmType, "later", alarm.with(in{"name": "later"}))
	w.add(alarmType, "patient", alarm.with(in{"name": "patient", "treatMissingData": "notBreaching"}))
	if alarmed := w.Alarmed(); !slices.Equal(alarmed, []string{"early"}) {
		t.Errorf("began in ALARM: %v", alarmed)
	}
}

func TestLogGroupsComeBack(t *testing.T) {
	w := world{NewCloud(), t}
	name := "/aws/rds/instance/db/error"
	first := w.add(logGroupType, "error", in{"name": name})
	if err := w.delete(resource.URN(first.URN), first.ID, 0); err != nil {
		t.Fatal(err)
	}
	_, err := w.try(logGroupType, "error", in{"name": name})
	refused(t, "the log group of a database that was", err, "ResourceAlreadyExistsException")
	w.DeleteLogGroup(name)
	w.add(logGroupType, "error", in{"name": name})
}

func TestSharedRecord(t *testing.T) {
	w := world{NewCloud(), t}
	w.Share("_proof.files.example.org.")
	record := in{"zoneId": "Z0123456789", "name": "_proof.files.example.org", "type": "CNAME", "records": list("a"),
		"ttl": 300, "allowOverwrite": true}
	first := w.add(recordType, "proof", record)
	w.add(recordType, "the same from elsewhere", record)
	if err := w.delete(resource.URN(first.URN), first.ID, 0); err != nil {
		t.Fatal(err)
	}
	if broken := w.Broken(); len(broken) != 1 || !strings.Contains(broken[0], "cannot be renewed") {
		t.Errorf("broken are %q", broken)
	}
}

func TestStop(t *testing.T) {
	w, _ := wholeWorld(t)
	if err := w.Stop("instance"); err != nil {
		t.Fatal(err)
	}
	r, _ := w.Get(instanceType, "instance")
	if r.output("publicIp") != "" || (look{in: r.Inputs}).flag("associatePublicIpAddress") {
		t.Errorf("a stopped instance has the address %q", r.output("publicIp"))
	}
}

// TestFixed: what AWS does not change in place is refused.
func TestFixed(t *testing.T) {
	w, at := wholeWorld(t)
	change := func(name, key string, value any) error {
		r, _ := w.Get(at[name].Token, name)
		next := r.Inputs.Copy()
		next[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
		_, err := w.update(resource.URN(r.URN), r.ID, r.Inputs, next)
		return err
	}
	if err := change("database", "allocatedStorage", 30.0); err != nil {
		t.Errorf("a larger volume: %v", err)
	}
	refused(t, "a smaller volume", change("database", "allocatedStorage", 29.0), "cannot be less than the current")
	other := []any{at["other subnet"].ID, w.add(subnetType, "other subnet c", in{"vpcId": at["other vpc"].ID,
		"cidrBlock": "10.1.9.0/24", "availabilityZone": "us-east-1c"}).ID}
	refused(t, "subnets of another VPC for a database", change("subnets", "subnetIds", other), "InvalidSubnet")
	refused(t, "subnets of another VPC for a load balancer", change("balancer", "subnets", other), "InvalidSubnet")
}
