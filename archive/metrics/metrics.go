package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed63bb8431/weir/archive"
	"github.com/seed63bb8431/weir/archive/httpapi"
	"github.com/seed63bb8431/weir/archive/store"
)

// Other is the action of what is neither an operation nor a resource of a session: probes of health, the clock, unknown paths.
const Other = "Other"

// Metrics are the figures of one server. Their methods may be called from several goroutines at once.
type Metrics struct {
	registry *prometheus.Registry
	own      []prometheus.Collector

	outgoing map[string]prometheus.Counter // by action
	incoming map[string]prometheus.Counter

	requests, exceptions, sessions, acks, refused *prometheus.CounterVec
	durations                                     *prometheus.HistogramVec
	connections, memory                           *prometheus.GaugeVec
	collectedFragments, collectedBytes            prometheus.Counter

	readMemory func() (used, peak int64) // may be nil
}

// New returns Metrics of a server of a version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), outgoing: map[string]prometheus.Counter{}, incoming: map[string]prometheus.Counter{}}
	outgoing := m.counters("outgoing_bytes_total", "Bytes of answers' bodies as they were sent.", "action")
	incoming := m.counters("incoming_bytes_total", "Bytes of requests' bodies that were read.", "action")
	m.requests = m.counters("requests_total", "Requests that are over, by the status of the answer; gone: the caller left before one.", "action", "code")
	m.exceptions = m.counters("exceptions_total", "Requests that were answered with an exception.", "action", "type")
	m.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "request_duration_seconds", Help: "How long requests took, to the last byte of the answer; PutMedia and GetMedia, which have no end, left out.",
		Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
	}, []string{"action"})
	m.own = append(m.own, m.durations)
	m.sessions = m.counters("sessions_created_total", "Streaming sessions whose URL was given.", "protocol", "container", "mode")
	m.connections = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "connections", Help: "Open connections of operations that last."}, []string{"action"})
	m.own = append(m.own, m.connections)
	m.memory = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "media_memory_bytes", Help: "What is in use of the memory for media, and the most that ever was; 0 where it has no bound."}, []string{"state"})
	m.own = append(m.own, m.memory)
	m.acks = m.counters("ingest_acks_total", "Acknowledgements of uploads; RECEIVED counts whole fragments, PERSISTED those that are stored.", "event")
	m.refused = m.counters("ingest_errors_total", "ERROR acknowledgements by the API's number.", "id", "code")
	m.collectedFragments = m.counter("collected_fragments_total", "Expired fragments that were removed from the index.")
	m.collectedBytes = m.counter("collected_bytes_total", "Bytes of expired fragments that were given back.")
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "1, with the version of the program."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.own = append(m.own, build)

	// What is there from the beginning counts from zero: a first increase is seen.
	for _, action := range append(httpapi.Actions(), Other) {
		m.outgoing[action], m.incoming[action] = outgoing.WithLabelValues(action), incoming.WithLabelValues(action)
		if !endless(action) {
			m.durations.WithLabelValues(action)
		}
	}
	for _, mode := range []string{"LIVE", "LIVE_REPLAY", "ON_DEMAND"} {
		m.sessions.WithLabelValues("HLS", "FRAGMENTED_MP4", mode)
		m.sessions.WithLabelValues("HLS", "MPEG_TS", mode)
		m.sessions.WithLabelValues("DASH", "FRAGMENTED_MP4", mode)
	}
	for _, action := range []string{putMedia, getMedia, getMediaForFragmentList} {
		m.connections.WithLabelValues(action)
	}
	for _, state := range []string{"used", "peak"} {
		m.memory.WithLabelValues(state)
	}
	for _, event := range []string{archive.Buffering, archive.Received, archive.Persisted, archive.Idle, archive.Failed} {
		m.acks.WithLabelValues(event)
	}
	m.registry.MustRegister(m.own...)
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// The actions of connections that last.
const (
	putMedia                = "PutMedia"
	getMedia                = "GetMedia"
	getMediaForFragmentList = "GetMediaForFragmentList"
)

// endless reports whether an action lasts as long as its caller wants.
func endless(action string) bool { return action == putMedia || action == getMedia }

const namespace = "weir"

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.own = append(m.own, c)
	return c
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.own = append(m.own, c)
	return c
}

// Handler answers with the figures, in the format that a scraper asks for.
func (m *Metrics) Handler() http.Handler {
	h := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.readMemory != nil {
			used, peak := m.readMemory()
			m.memory.WithLabelValues("used").Set(float64(used))
			m.memory.WithLabelValues("peak").Set(float64(peak))
		}
		h.ServeHTTP(w, r)
	})
}

// Memory has the figures tell of the memory of an archive, which read does: its method Memory. It is called before the figures are asked for.
func (m *Metrics) Memory(read func() (used, peak int64)) { m.readMemory = read }

// Observe counts a request that is over; it is for httpapi.Options.
func (m *Metrics) Observe(r *httpapi.Record) {
	action, code := named(r.Action), "gone"
	if r.Status != 0 {
		code = strconv.Itoa(r.Status)
	}
	m.requests.WithLabelValues(action, code).Inc()
	if r.Error != "" {
		m.exceptions.WithLabelValues(action, r.Error).Inc()
	}
	if !endless(action) {
		m.durations.WithLabelValues(action).Observe(r.Duration.Seconds())
	}
}

// Moved counts bytes of bodies while they are under way; it is for httpapi.Options.
func (m *Metrics) Moved(action string, received, sent int64) {
	action = named(action)
	if c := m.incoming[action]; c != nil && received > 0 {
		c.Add(float64(received))
	}
	if c := m.outgoing[action]; c != nil && sent > 0 {
		c.Add(float64(sent))
	}
}

func named(action string) string {
	if action == "" {
		return Other
	}
	return action
}

// Acked counts an acknowledgement of an upload; it is for archive.Options.
func (m *Metrics) Acked(a archive.Ack) {
	m.acks.WithLabelValues(a.Event).Inc()
	if a.Err != nil {
		m.refused.WithLabelValues(strconv.Itoa(a.Err.ID), a.Err.Code).Inc()
	}
}

// Collected counts what a Collect of the store has given back.
func (m *Metrics) Collected(c store.Collected) {
	m.collectedFragments.Add(float64(c.Rows))
	m.collectedBytes.Add(float64(c.Bytes))
}
