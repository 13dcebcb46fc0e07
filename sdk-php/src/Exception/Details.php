<?php

declare(strict_types=1);

namespace Waybill\Exception;

use Waybill\Status;

/** What is known of a failure, apart from its text. */
final readonly class Details
{
    public function __construct(
        public Status $status,
        public string $reason = '',
        public ?string $field = null,
        public ?string $limit = null,
        public ?string $logId = null,
        public ?string $messageId = null,
    ) {}

    public function withMessageId(string $messageId): self
    {
        return new self($this->status, $this->reason, $this->field, $this->limit, $this->logId, $messageId);
    }
}
