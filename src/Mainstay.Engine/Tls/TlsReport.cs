using Mainstay.Engine.Control;

namespace Mainstay.Engine.Tls;

/// <summary>What the TLS profiles tell of themselves.</summary>
public sealed class TlsReport(TlsPlane plane) : IStatusSource
{
    public void FillStatus(StatusReport report)
    {
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        writer.Gauge("mainstay_tls_certificate_expiry_seconds", "When a certificate ends, in seconds since 1970.");
        Each((profile, certificate) => writer.Sample(
            new DateTimeOffset(certificate.Facts.NotAfter).ToUnixTimeSeconds(),
            ("profile", profile.Name), ("file", certificate.Source.Certificate.Path), ("name", certificate.Facts.Names.FirstOrDefault(""))));
        writer.Gauge("mainstay_tls_reload_failed", "1 while changed files cannot be used and those from before stay in force.");
        foreach (TlsProfile profile in plane.Current.Values) writer.Sample(profile.Problem is null ? 0 : 1, ("profile", profile.Name));

        void Each(Action<TlsProfile, LoadedCertificate> write)
        {
            foreach (TlsProfile profile in plane.Current.Values)
                foreach (LoadedCertificate certificate in profile.Certificates) write(profile, certificate);
        }
    }
}
