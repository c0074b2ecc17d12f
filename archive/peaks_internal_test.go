package archive

import "testing"

// TestPeaks adds up peaks of different fragments.
func TestPeaks(t *testing.T) {
	var p peaks
	p.add([2]float64{8000, 500}, 2)
	p.add([2]float64{3000, 900}, 1)
	if got, want := p.sum(), 4000+900+1; got != want {
		t.Errorf("%d bits a second, want %d", got, want)
	}
}
