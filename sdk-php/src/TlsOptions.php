<?php

declare(strict_types=1);

namespace Waybill;

/** TLS to the gateway; `certificate` and `key` make it mutual. All are PEM files. */
final readonly class TlsOptions
{
    /**
     * @param string|null $authorities a file with the authorities to trust. Default: the system's
     * @param string|null $certificate this client's own, with its chain
     * @param string|null $key of `certificate`
     * @param string|null $passphrase of `key`
     * @param string|null $serverName the name that the gateway's certificate must have. Default: the host of the URL
     */
    public function __construct(
        public ?string $authorities = null,
        public ?string $certificate = null,
        public ?string $key = null,
        #[\SensitiveParameter]
        public ?string $passphrase = null,
        public ?string $serverName = null,
    ) {}
}
