package schedule

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// FuzzParse asks whatever Parse takes when it is open: that must end soon, and the answers must agree.
func FuzzParse(f *testing.F) {
	for _, rule := range []string{
		"", "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU;WKST=SU;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "FREQ=MONTHLY;BYMONTHDAY=31,-31",
		"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=MONTHLY;BYDAY=MO,FR;BYSETPOS=-1;UNTIL=20300101", "FREQ=DAILY;INTERVAL=9223372036854775807",
		"FREQ=DAILY;COUNT=9223372036854775807", "FREQ=MONTHLY;BYDAY=8MO", "FREQ=DAILY;UNTIL=00010101T000000Z", "FREQ=DAILY;BYHOUR=1",
	} {
		f.Add("Europe/Berlin", rule, int64(1767646800), int64(8*3600), int64(1790000000))
		f.Add("Pacific/Apia", rule, int64(-62135596800), int64(5*366*86400), int64(-62135596801))
		f.Add("", rule, int64(253402300799), int64(1), int64(253402300000))
	}
	f.Fuzz(func(t *testing.T, zone, rule string, start, length, now int64) {
		const year9999 = 253402300799
		if start < -62135596800 || start > year9999 || length > year9999 || now < -62135596800 || now > year9999 {
			return // RFC 3339 has no such time
		}
		window := v1alpha1.TimeWindow{
			Name: "w", StartTime: metav1.Unix(start, 0), EndTime: metav1.Unix(start+length, 0), Recurrence: rule,
		}
		schedule, err := Parse(v1alpha1.Schedule{TimeZone: zone, Windows: []v1alpha1.TimeWindow{window}})
		if err != nil {
			return
		}
		at := time.Unix(now, 0)
		opens, opensOK := Opens(at, schedule)
		closes, closesOK := Closes(at, schedule)
		open := schedule.At(at).Open
		switch {
		case open && (!opensOK || !opens.Equal(at) || closesOK && closes.Equal(at)):
			t.Fatalf("is open, but opens %v %v and closes %v %v", opens, opensOK, closes, closesOK)
		case !open && (opensOK && opens.Equal(at) || !closesOK || !closes.Equal(at)):
			t.Fatalf("is closed, but opens %v %v and closes %v %v", opens, opensOK, closes, closesOK)
		case opensOK && !schedule.At(opens).Open:
			t.Fatalf("is closed when it opens: %v", opens)
		case closesOK && schedule.At(closes).Open:
			t.Fatalf("is open when it closes: %v", closes)
		}
	})
}
