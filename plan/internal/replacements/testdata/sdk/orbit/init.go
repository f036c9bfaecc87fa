package orbit

func construct(typ string) {
	switch typ {
	case "aws:orbit/moon:Moon":
	case "aws:orbit/satellite:Satellite":
	case "aws:orbit/station:Station":
	}
}
